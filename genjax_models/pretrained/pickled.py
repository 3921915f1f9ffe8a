"""A reader of pickles that can run nothing: the few opcodes that checkpoints of tensors use, and no others.

Python's `pickle` calls whatever a file names. Here the file is walked with `pickletools.genops`, which only splits
it into opcodes; a name is looked up in a table that the caller gives, and anything else is refused.

References:
  The opcodes are documented in CPython's pickletools, https://docs.python.org/3/library/pickletools.html
"""

import pickletools
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO


class RefusedError(ValueError):
    """The pickle holds something that this reader does not support."""


def read(  # noqa: PLR0912, PLR0915 - one branch an opcode
    stream: BinaryIO | bytes, names: Mapping[str, Any] | None = None, persistent: Callable[[Any], Any] | None = None
) -> Any:
    """Reads one pickle from `stream`, which is left just behind it.

    Args:
      stream: a binary file, or bytes.
      names: the value of each global name ("module attribute"); functions in it may be called by the file.
      persistent: `id -> value` of a persistent id.

    Returns:
      The object: dictionaries, lists, tuples, strings, numbers, and what `names` and `persistent` give.

    Raises:
      RefusedError: for an unknown name or opcode. Damaged pickles raise ValueError, IndexError, KeyError or TypeError.
    """
    names = names or {}
    stack: list[Any] = []
    below: list[list[Any]] = []  # the stacks under each open mark
    memo: dict[int, Any] = {}
    argument: Any
    for opcode, argument, _ in pickletools.genops(stream):
        match opcode.name:
            case "PROTO":
                pass
            case "MARK":
                below.append(stack)
                stack = []
            case "EMPTY_DICT":
                stack.append({})
            case "EMPTY_LIST":
                stack.append([])
            case "EMPTY_TUPLE":
                stack.append(())
            case "NONE":
                stack.append(None)
            case "NEWTRUE" | "NEWFALSE":
                stack.append(opcode.name == "NEWTRUE")
            case "BININT" | "BININT1" | "BININT2" | "LONG1" | "BINFLOAT" | "BINUNICODE" | "SHORT_BINUNICODE":
                stack.append(argument)
            case "TUPLE":
                items, stack = stack, below.pop()
                stack.append(tuple(items))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                count = int(opcode.name[-1])
                stack[-count:] = [tuple(stack[-count:])]
            case "APPEND":
                item = stack.pop()
                stack[-1].append(item)
            case "APPENDS":
                items, stack = stack, below.pop()
                stack[-1].extend(items)
            case "SETITEM":
                key, value = stack[-2:]
                del stack[-2:]
                stack[-1][key] = value
            case "SETITEMS":
                items, stack = stack, below.pop()
                stack[-1].update(zip(items[::2], items[1::2], strict=True))
            case "BINPUT" | "LONG_BINPUT":
                memo[argument] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[argument])
            case "GLOBAL":
                if argument not in names:
                    raise RefusedError(f"it names {argument.replace(' ', '.')}, which is neither tensor nor dictionary")
                stack.append(names[argument])
            case "REDUCE":
                arguments = stack.pop()
                stack[-1] = stack[-1](*arguments)
            case "BUILD":  # sets attributes of the object below it: nothing that a tensor or a dictionary needs
                stack.pop()
            case "BINPERSID" if persistent:
                stack[-1] = persistent(stack[-1])
            case "STOP":
                return stack.pop()
            case name:
                raise RefusedError(f"it uses the pickle opcode {name}, which checkpoints of tensors do not")
    raise ValueError("the pickle has no end")
