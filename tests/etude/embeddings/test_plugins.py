"""Embeddings are found by name, and their identity is that of everything that decides about the vectors."""

import pytest

from etude.embeddings import IDENTITY, fingerprint, plugin
from etude.errors import UserError


@pytest.mark.parametrize("name", ["gm_cnn", "vggish", "encodec", "clap"])
def test_every_plugin_has_both_functions(name):
    module = plugin(name)
    assert callable(module.obtain) and callable(module.load)


@pytest.mark.parametrize("name", ["vgish", "", "_package", "os.path", "../codecs/encodec"])
def test_an_unknown_name_is_refused_with_the_known_ones(name):
    with pytest.raises(UserError, match="clap, encodec, gm_cnn, vggish"):
        plugin(name)


@pytest.mark.parametrize("key", IDENTITY)
def test_whatever_changes_the_vectors_changes_the_fingerprint(key):
    facts = dict.fromkeys(IDENTITY, "as before") | {"validation": 0.5}
    assert fingerprint(facts | {"validation": 0.9}) == fingerprint(facts)
    assert fingerprint(facts | {key: "changed"}) != fingerprint(facts)
