"""What fixes the shape of a risk network, and the tensors that it therefore has. No numpy, no torch.

The network itself is :mod:`soc_tui.analysis.network`, where it learns, and :mod:`soc_tui.analysis.runtime`, at work.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class NetworkConfig:
    """Everything that fixes the shape of a network; the model card holds it."""

    kind: Literal["groups", "characters"]
    """``groups``: each row is ``tokens`` feature groups; ``characters``: each row is a run of character ids."""
    classes: int
    tokens: int = 0
    """``groups``: how many groups a row has."""
    width: int = 0
    """``groups``: numbers per group (narrower groups are padded with zeros)."""
    shared: bool = False
    """``groups``: all tokens by one projection, as the events of a sequence are alike; an empty token is padding."""
    vocabulary: int = 0
    """``characters``: number of character ids; id 0 is padding."""
    embedding: int = 16
    patch: int = 2
    """``characters``: characters per token, an even number. LSTM time is per token: patches of 4 take a quarter."""
    hidden: int = 32
    layers: int = 1
    dropout: float = 0.2
    bidirectional: bool = True
    attention: bool = True
    batch_norm: bool = True
    max_pool: bool = False
    """What the LSTM says at its loudest goes to the DNN beside the attention: one bad place in a long row is enough."""
    wide: int = 0
    """``characters``: above 0, a table of 2**wide weights for ids, pairs and triples beside the recurrent way."""
    counted: bool = False
    """The wide way counts an n-gram that a row holds k times 1 + ln k times; else once."""
    recurrent: bool = True
    """False is the DNN alone (``groups`` only): it reads the tokens of a row side by side."""
    dense: bool = True
    """False is the recurrent part alone: its pooled states go straight to the classes."""
    skip: bool = False
    """``groups`` only: the DNN sees the tokens themselves beside the pooled states (a wide path past the LSTM)."""
    token_dropout: float = 0.0
    """Share of whole tokens that training blanks: no verdict may hang on one group of features."""

    def __post_init__(self) -> None:
        """Refuse what has no meaning.

        Raises:
            ValueError: characters without the recurrent part or with the wide path: their number of tokens varies.
        """
        if self.kind != "groups" and (self.skip or not self.recurrent):
            raise ValueError("skip and a DNN alone need feature groups")

    @property
    def directions(self) -> int:
        """Ways in which the LSTM reads."""
        return 2 if self.bidirectional else 1

    @property
    def states(self) -> int:
        """D, numbers of one LSTM state; 0 without the recurrent part."""
        return self.hidden * self.directions if self.recurrent else 0

    @property
    def beside(self) -> int:
        """Numbers of the tokens that go past the LSTM."""
        return self.tokens * self.hidden if self.skip or not self.recurrent else 0

    @property
    def pooled(self) -> int:
        """Numbers that the DNN reads of a row."""
        return self.states * (2 if self.max_pool and self.recurrent else 1) + self.beside

    @property
    def middle(self) -> int:
        """The paper's s = (m + n) / 2 for the hidden layer of the DNN."""
        return (self.states + self.beside + self.classes) // 2

    @property
    def padded(self) -> bool:
        """True where rows are events padded to one length, and what the padding does to the LSTM is known."""
        return self.kind == "groups" and self.shared and self.recurrent and self.layers == 1 and not self.skip


def as_json(config: NetworkConfig) -> dict[str, Any]:
    """The JSON form of a config, as a card holds it."""
    return asdict(config)


def shapes(config: NetworkConfig) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every tensor of a network's weights file, the extras apart."""
    hidden, found = config.hidden, dict[str, tuple[int, ...]]()
    if config.kind == "groups":
        kinds = 1 if config.shared else config.tokens
        found |= {"encode.weight": (kinds, config.width, hidden), "encode.bias": (kinds, hidden)}
    else:
        found |= {
            "encode.embed.weight": (config.vocabulary, config.embedding),
            "encode.mix.weight": (hidden, config.embedding, 2 * config.patch), "encode.mix.bias": (hidden,),
        }  # fmt: skip
        if config.wide:
            found |= {f"encode.wide.{name}": (1 << config.wide,) for name in ("weight", "rarity")}
            found["encode.wide.bias"] = (1,)
    if config.recurrent:
        for layer in range(config.layers):
            read = config.states if layer else hidden
            for way in ("", "_reverse")[: config.directions]:
                found |= {f"lstm.weight_ih_l{layer}{way}": (4 * hidden, read),
                          f"lstm.weight_hh_l{layer}{way}": (4 * hidden, hidden)}  # fmt: skip
                found |= {f"lstm.bias_{side}_l{layer}{way}": (4 * hidden,) for side in ("ih", "hh")}
        found |= {"key.weight": (hidden, config.states), "value.weight": (config.states,) * 2, "query": (hidden,)}
    wide, last = int(bool(config.wide)), 4 if config.dense else 0
    if config.dense:
        found |= {"dnn.0.weight": (config.middle, config.pooled), "dnn.0.bias": (config.middle,)}
        if config.batch_norm:
            found |= {f"dnn.1.{name}": (config.middle,) for name in ("weight", "bias", "running_mean", "running_var")}
            found["dnn.1.num_batches_tracked"] = ()
    seen = (config.middle if config.dense else config.pooled) + wide
    return found | {f"dnn.{last}.weight": (config.classes, seen), f"dnn.{last}.bias": (config.classes,)}
