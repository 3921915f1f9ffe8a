"""Published checkpoints as parameters of our networks, read without running anything that a file asks for."""

from genjax_models.core.trees import load_tree as load_tree
from genjax_models.core.trees import save_tree as save_tree
from genjax_models.pretrained.diffusers_unet import unet_from_diffusers as unet_from_diffusers
from genjax_models.pretrained.efficientnet_lite import load_efficientnet_lite0 as load_efficientnet_lite0
from genjax_models.pretrained.inception import load_inception_v3 as load_inception_v3
from genjax_models.pretrained.minilm import load_minilm as load_minilm
from genjax_models.pretrained.torch_checkpoint import load_state_dict as load_state_dict
from genjax_models.pretrained.transformers_bert import bert_from_config as bert_from_config
from genjax_models.pretrained.transformers_bert import bert_from_transformers as bert_from_transformers
