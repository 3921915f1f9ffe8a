"""Tables: from a published CSV through the builder to standardised columns, and all the way back."""

import csv
import hashlib
import io
import shutil

import numpy as np
import pytest
from scipy import stats

from genjax_models.core.errors import UserError
from genjax_models.data import batches, load, packages, stream, table_scale, tables
from genjax_models.data import fetch as fetch_module
from genjax_models.data.__main__ import main
from genjax_models.data.fetch import fetch
from genjax_models.data.tables import TABLES

silent = lambda line: None
SIZES, CITIES, MONTHS = 300, 4, 60


def diamonds() -> list[dict]:
    """The rows that should be kept: `SIZES` stones, the first 40 of them twice, turned and at another price."""
    rng = np.random.default_rng(0)
    rows = []
    for carat, depth in zip(rng.uniform(0.2, 3, SIZES), rng.normal(61.8, 1.4, SIZES), strict=True):
        x = 6.5 * carat ** (1 / 3)
        y, table, price = x + rng.normal(0, 0.05), rng.integers(53, 63), rng.uniform(2000, 6000) * carat**1.7
        row = {"carat": f"{carat:.2f}", "cut": "Ideal", "depth": f"{depth:.1f}", "table": f"{table}"}
        rows.append(
            row | {"price": f"{price:.0f}", "x": f"{x:.2f}", "y": f"{y:.2f}", "z": f"{depth * (x + y) / 200:.2f}"}
        )
    turned = [row | {"x": row["y"], "y": row["x"], "price": f"{int(row['price']) + 7}"} for row in rows[:40]]
    return rows + turned


def bad_diamonds(good: list[dict]) -> list[dict]:
    """Rows to be dropped: of no size, mistyped, and the first row again (other than in a column that is not read)."""
    wrong = [{"x": "0", "y": "0", "z": "0"}, {"z": "0"}, {"x": "0"}, {"y": "31.8"}, {"z": "31.8"}, {"cut": "Fair"}]
    wrong += [{"depth": f"{float(good[0]['depth']) + 2:.1f}"}, {"carat": f"{float(good[0]['carat']) / 2:.2f}"}]
    return [good[0] | change for change in wrong]


def housing() -> list[dict]:
    """The rows that should be kept; the median tells the city (hundreds of thousands) and the month (hundreds)."""
    rng = np.random.default_rng(1)
    rows = []
    for city in range(CITIES):
        for month in range(MONTHS):
            sales, volume = rng.integers(6, 9000), rng.integers(8 * 10**8, 25 * 10**8)
            row = {"city": f"city {city}", "sales": f"{sales}", "volume": f"{volume}"}
            row |= {"median": f"{100_000 * (city + 1) + 100 * month}", "listings": f"{rng.integers(35, 40_000)}"}
            rows.append(row | {"inventory": f"{rng.uniform(0.8, 50):.1f}"})
    return rows


def bad_housing(good: list[dict]) -> list[dict]:
    return [
        good[0] | change for change in ({"sales": "NA"}, {"inventory": "NA"}, {"listings": "0"}, {"city": "city 3"})
    ]


def as_csv(rows: list[dict]) -> bytes:
    file = io.StringIO()
    writer = csv.DictWriter(file, rows[0], quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()


GOOD = {"diamonds": diamonds(), "txhousing": housing()}
FILES = {
    "diamonds": as_csv(GOOD["diamonds"] + bad_diamonds(GOOD["diamonds"])),
    "txhousing": as_csv(GOOD["txhousing"] + bad_housing(GOOD["txhousing"])),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A data folder with both tables, made by the real builders out of small files."""
    root = tmp_path_factory.mktemp("tfds")
    with pytest.MonkeyPatch.context() as patch:
        for name, file in FILES.items():
            patch.setattr(packages, "from_pypi", lambda requirement, member, folder, file=file: file)
            published = fetch_module.PYPI[name][:2]
            patch.setitem(fetch_module.PYPI, name, (*published, hashlib.sha256(file).hexdigest()))
            fetch(name, data_dir=root, say=silent)
    return root


def counted(name: str, rows: list[dict]) -> list[tuple[int, ...]]:
    """The rows of a file as multiples of the columns' resolutions, in Python's own arithmetic."""
    return [tuple(round(float(row[c.name]) / c.resolution) for c in TABLES[name]) for row in rows]


def read_back(name: str, split: str, root) -> list[tuple[int, ...]]:
    """What `load` gives, taken back to raw units and counted likewise."""
    raw = table_scale(name, data_dir=root).to_raw(load(name, split, data_dir=root).x)
    return [tuple(map(int, row)) for row in np.rint(raw / [column.resolution for column in TABLES[name]])]


@pytest.mark.parametrize("name", TABLES)
def test_every_row_comes_back_as_published_and_no_other(name, root):
    train, test = read_back(name, "train", root), read_back(name, "test", root)
    assert sorted(train + test) == sorted(counted(name, GOOD[name]))
    assert not set(train) & set(test)


def test_all_rows_of_a_stone_are_on_one_side_and_every_tenth_stone_is_for_testing(root):
    stone = lambda row: (row[:3], frozenset(row[4:6]), row[6])
    train, test = ({stone(row) for row in read_back("diamonds", split, root)} for split in ("train", "test"))
    assert len(test) == SIZES // 10 and len(train) == SIZES - SIZES // 10
    assert not train & test


def test_every_fifth_month_of_each_city_is_for_testing_and_all_seasons_are(root):
    medians = np.array(read_back("txhousing", "test", root))[:, 2]
    city, month = np.divmod(medians, 1000)
    for number in range(1, CITIES + 1):
        assert sorted(month[city == number]) == list(range(4, MONTHS, 5))
    assert set(month % 12) == set(range(12))


@pytest.mark.parametrize("name", TABLES)
def test_columns_are_standardised_by_the_training_split(name, root):
    train, test = load(name, "train", data_dir=root), load(name, "test", data_dir=root)
    np.testing.assert_allclose(train.x.mean(0, dtype=np.float64), 0, atol=1e-5)
    np.testing.assert_allclose(train.x.std(0, dtype=np.float64), 1, atol=1e-5)
    assert train.x.dtype == np.float32 and list(train.fields) == ["x"]
    raw = np.array([[float(row[column.name]) for column in TABLES[name]] for row in GOOD[name]])
    for j, column in enumerate(TABLES[name]):  # the two splits share a scale, which is nearly that of all rows
        scale = np.log(raw[:, j]) if column.log else raw[:, j]
        both = np.concatenate([train.x[:, j], test.x[:, j]])
        mean, std = table_scale(name, data_dir=root)[1:]
        assert both.mean() * std[j] + mean[j] == pytest.approx(scale.mean(), abs=0.05 * scale.std())
    assert next(batches(train, 8, seed=0))["x"].shape == (8, len(TABLES[name]))


@pytest.mark.parametrize("name", TABLES)
def test_numbers_are_uniform_over_their_interval(name, root):
    scale, offsets = table_scale(name, data_dir=root), []
    for split in ("train", "test"):
        count = scale.to_raw(load(name, split, data_dir=root).x) / [column.resolution for column in TABLES[name]]
        offsets.append(count - np.rint(count))
    for column in np.concatenate(offsets).T:
        assert stats.kstest(column, stats.uniform(-0.5, 1).cdf).pvalue > 1e-4
    size = len(offsets[1])
    assert abs(np.corrcoef(offsets[0][:size].ravel(), offsets[1].ravel())[0, 1]) < 0.3  # noise of its own


def test_the_noise_is_the_same_in_every_run(root):
    one, two = (load("diamonds", "test", data_dir=root).x for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_a_number_that_float32_carries_over_the_edge_takes_the_middle(root, monkeypatch):
    """Volumes of up to 2.5e9 in steps of 500 leave float32 a handful of values an interval."""
    columns = tuple(c._replace(resolution=500) if c.name == "volume" else c for c in TABLES["txhousing"])
    monkeypatch.setitem(TABLES, "txhousing", columns)
    (folder,) = (root / "txhousing").glob("*")
    scale = table_scale("txhousing", data_dir=root)
    raw = tables.read_into_memory("txhousing", "train", folder, tables.VectorSource).x
    spread = scale.from_raw(tables._dequantize(columns, "train", raw))
    assert (tables.steps(columns, scale.to_raw(spread)) != tables.steps(columns, raw)).any()
    x = load("txhousing", data_dir=root).x
    np.testing.assert_array_equal(tables.steps(columns, scale.to_raw(x)), tables.steps(columns, raw))


@pytest.mark.parametrize("name", TABLES)
def test_log_det_takes_a_likelihood_to_raw_units(name, root):
    """If x is standard normal, the raw columns are normal or log-normal: SciPy knows both densities."""
    scale, x = table_scale(name, data_dir=root), load(name, "test", data_dir=root).x
    raw, expected = scale.to_raw(x), 0.0
    for j, column in enumerate(scale.columns):
        lognormal = stats.lognorm(scale.std[j], scale=np.exp(scale.mean[j]))
        expected += (lognormal if column.log else stats.norm(scale.mean[j], scale.std[j])).logpdf(raw[:, j])
    np.testing.assert_allclose(stats.norm.logpdf(x.astype(np.float64)).sum(1) - scale.log_det(x), expected, rtol=1e-9)
    np.testing.assert_allclose(scale.from_raw(raw), x, atol=1e-6)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_is_not_the_published_one_is_refused(name, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(packages, "from_pypi", lambda *_: FILES[name])
    assert main(["fetch", name, "--data_dir", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "sha256" in error and error.count("\n") == 1
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_missing_table_and_bad_names_are_one_line(root, tmp_path):
    with pytest.raises(UserError, match=r"python -m genjax_models.data fetch diamonds"):
        load("diamonds", data_dir=tmp_path)
    with pytest.raises(UserError, match=r"python -m genjax_models.data fetch txhousing"):
        table_scale("txhousing", data_dir=tmp_path)
    with pytest.raises(UserError, match="did you mean 'txhousing'"):
        load("tx_housing", data_dir=tmp_path)
    with pytest.raises(UserError, match="'digits' is no table: choose one of diamonds, txhousing"):
        table_scale("digits")
    with pytest.raises(UserError, match="no split 'dev': choose one of train, test"):
        load("diamonds", "dev", data_dir=root)
    with pytest.raises(UserError, match="0 image features"):
        stream("diamonds", data_dir=root)


def test_another_set_of_the_same_name_is_one_line(root, tmp_path):
    (folder,) = (root / "diamonds").glob("*")
    copy = shutil.copytree(folder, tmp_path / "diamonds" / "1.0.0", ignore=shutil.ignore_patterns("memory_*"))
    features = copy / "features.json"
    features.write_text(features.read_text().replace('"x"', '"carat"'))
    with pytest.raises(UserError, match=r"has features carat, expected x: delete .*diamonds"):
        load("diamonds", data_dir=tmp_path)


def test_list_shows_the_tables(root, capsys):
    assert main(["list", "--data_dir", str(root)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines if line.split()[0] in TABLES] == ["prepared", "prepared"]


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
def test_the_published_table_is_read_whole(name, tmp_path):
    """Both splits together are the distinct, possible rows of the published file, selected here in plain Python."""
    try:
        fetch(name)
        data = packages.from_pypi("plotnine==0.15.9", f"plotnine/data/{name}.csv", tmp_path)
    except UserError as error:
        pytest.skip(f"no PyPI package to be had: {error}")
    rows = list(csv.DictReader(io.StringIO(data.decode())))
    if name == "diamonds":
        numbers = [[float(row[key]) for key in ("x", "y", "z", "depth", "carat")] for row in rows]
        agree = lambda x, y, z, depth, carat: (
            abs(200 * z / (x + y) - depth) <= 1 and 0.8 <= x * y * z / carat / 163 <= 1.2
        )
        possible = [min(row) > 0 and agree(*row) for row in numbers]
    else:
        texts = [[row[column.name] for column in TABLES[name]] for row in rows]
        possible = ["NA" not in row and "0" not in row for row in texts]
    expected = set(counted(name, [row for row, kept in zip(rows, possible, strict=True) if kept]))
    train, test = read_back(name, "train", None), read_back(name, "test", None)
    assert sorted(train + test) == sorted(expected)
