"""A trained network at work: its weights as one ONNX graph, run by ONNX Runtime.

The graph says what :class:`soc_tui.analysis.network.RiskNetwork` says in eval mode (tests hold the two together for
every switch), up to what the last layer sees; the last layer is one product in numpy. Measured against torch: the LSTM
takes half to nine tenths of the time, loading a twentieth, and the process 170 MB less. torch is for learning.

Shapes: B rows, T tokens, W numbers per feature group, L ids, E character embedding, H hidden, D states, M the hidden
layer of the DNN, C classes. Inside the graph tokens come first, (T, B, H), as its LSTM wants them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from safetensors import SafetensorError
from safetensors.numpy import load_file

from soc_tui.analysis.architecture import NetworkConfig, shapes
from soc_tui.analysis.wide import Wide
from soc_tui.core.errors import ModelError

Tensors = Mapping[str, NDArray[Any]]
Floats = NDArray[np.float32]

EXTRA = "extra."
"""Names of tensors in a weights file that are no weights: known cases, anchors of the local head."""
_OPSET, _IR = 17, 8
_END = 2**31 - 1
_EPSILON = 1e-5
"""Of torch's BatchNorm."""
FAR = -1e9
"""The attention score of padding."""


class Runtime:
    """A network that only scores. Its parts may be asked from several threads.

    Args:
        config: its shape.
        tensors: its weights by the names of :func:`architecture.shapes`.
        threads: of one pass.
    """

    def __init__(self, config: NetworkConfig, tensors: Tensors, threads: int = 1) -> None:
        self.config, self.tensors = config, tensors
        last = "dnn.4" if config.dense else "dnn.0"
        self.last_weight: Floats = tensors[f"{last}.weight"]
        """(C, M): from what the last layer sees to class logits."""
        self.last_bias: Floats = tensors[f"{last}.bias"]
        self.wide = None
        """The n-grams' way beside the recurrent one; None where there is none."""
        if config.wide:
            weight, rarity, bias = (tensors[f"encode.wide.{name}"] for name in ("weight", "rarity", "bias"))
            self.wide = Wide(weight, rarity, bias, config.counted)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        options.enable_cpu_mem_arena = False  # it never gives back what one long row took
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # others need the cores
        graph = _Graph(config, tensors).model()
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._behind = cache(self._state_behind)

    def hidden(self, rows: NDArray[Any], cut: int = 0) -> Floats:
        """What the last layer sees of each row (B, M).

        Args:
            rows: groups (B, T, W) float or ids (B, L).
            cut: padding tokens (zeros) that every row of events ends with and that are left out; the way back begins
                in the state they leave it in.
        """
        config = self.config
        feed: dict[str, NDArray[Any]] = {}
        if config.kind == "groups":
            feed["rows"] = np.ascontiguousarray(rows, np.float32)
        else:
            half = config.patch // 2  # padding on either side, of which the embedding makes zeros
            feed["rows"] = np.pad(self.folded(rows), ((0, 0), (half, half)))
        real = self.real(rows)
        if real is not None:
            feed["real"] = real
        if config.padded:
            state = self._behind(cut)
            wanted = (config.directions, len(rows), config.hidden)
            feed["hidden"], feed["cell"] = (np.ascontiguousarray(np.broadcast_to(one, wanted)) for one in state)
        (seen,) = self._session.run(None, feed)
        return seen if self.wide is None else np.concatenate([seen, self.wide.total(rows)], 1)

    def logits(self, hidden: Floats) -> Floats:
        """Class logits (B, C) of what the last layer sees (B, M)."""
        return hidden @ self.last_weight.T + self.last_bias

    def folded(self, ids: NDArray[Any]) -> NDArray[np.int64]:
        """Ids as rows of the embedding: where there is a wide way ids share rows, and 0 stays padding."""
        ids = ids.astype(np.int64)
        if self.wide is None:
            return ids
        return (ids - 1) % (self.config.vocabulary - 1) * (ids > 0) + (ids > 0)

    def real(self, rows: NDArray[Any]) -> NDArray[np.bool_] | None:
        """Which tokens are no padding, (B, T); None where all are."""
        if self.config.kind == "groups":
            return np.asarray((rows != 0).any(2)) if self.config.shared else None
        return np.asarray((rows != 0).reshape(len(rows), -1, self.config.patch).any(2))

    def _state_behind(self, cut: int) -> tuple[Floats, Floats]:
        """Hidden and cell state (directions, 1, H) of either way where the row ends, before ``cut`` empty tokens."""
        hidden, cell = (np.zeros((self.config.directions, 1, self.config.hidden), np.float32) for _ in range(2))
        if cut and self.config.bidirectional:
            weight = self.tensors["lstm.weight_hh_l0_reverse"].T
            bias = self.tensors["lstm.bias_ih_l0_reverse"] + self.tensors["lstm.bias_hh_l0_reverse"]
            for _ in range(cut):  # eq. 4 with nothing to read
                gates = hidden[1] @ weight + bias
                i, f, o = (sigmoid(gates[:, part]) for part in gates_of(self.config.hidden, "ifo"))
                (g,) = (np.tanh(gates[:, part]) for part in gates_of(self.config.hidden, "g"))
                cell[1] = f * cell[1] + i * g
                hidden[1] = o * np.tanh(cell[1])
        return hidden, cell


def gates_of(hidden: int, wanted: str) -> list[slice]:
    """Where torch keeps gates among the 4H numbers: ``i`` input, ``f`` forget, ``g`` candidate, ``o`` output."""
    return [slice("ifgo".index(gate) * hidden, ("ifgo".index(gate) + 1) * hidden) for gate in wanted]


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + exp(-x)), which does not overflow."""
    return np.asarray(0.5 * np.tanh(0.5 * x) + 0.5, np.float32)


class _Graph:
    """A network's graph under construction; each step adds a node and returns the name of what it gives."""

    def __init__(self, config: NetworkConfig, tensors: Tensors) -> None:
        self._config, self._tensors = config, tensors
        self._nodes: list[Any] = []
        self._kept: dict[str, Any] = {}

    def model(self) -> bytes:
        """The whole graph: ``rows`` (with ``real``, ``hidden`` and ``cell`` where there are any) to (B, M)."""
        config = self._config
        tokens = self._groups() if config.kind == "groups" else self._characters()  # (T, B, H)
        parts = []
        if config.recurrent:
            states = self._lstm(tokens)  # (B, T, D)
            parts.append(self._attended(states))
            if config.max_pool:
                parts.append(self._add("ReduceMax", self._only_real(states, -1.0), axes=[1], keepdims=0))
        if config.beside:
            rows_first = self._add("Transpose", tokens, perm=[1, 0, 2])
            parts.append(self._add("Flatten", rows_first, axis=1))
        pooled = self._add("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]
        seen = self._dense(pooled) if config.dense else pooled
        output = helper.make_tensor_value_info(seen, TensorProto.FLOAT, [None, None])
        graph = helper.make_graph(self._nodes, "network", self._inputs(), [output], list(self._kept.values()))
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)
        return bytes(made.SerializeToString())

    def _inputs(self) -> list[Any]:
        config = self._config
        groups = config.kind == "groups"
        kind, shape = (TensorProto.FLOAT, [None, None, config.width]) if groups else (TensorProto.INT64, [None, None])
        found = [helper.make_tensor_value_info("rows", kind, shape)]
        if self._masked:
            found.append(helper.make_tensor_value_info("real", TensorProto.BOOL, [None, None]))
        if config.padded:
            state = [config.directions, None, config.hidden]
            found += [helper.make_tensor_value_info(name, TensorProto.FLOAT, state) for name in ("hidden", "cell")]
        return found

    @property
    def _masked(self) -> bool:
        return self._config.kind == "characters" or self._config.shared

    def _add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        name = f"n{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def _keep(self, value: NDArray[Any]) -> str:
        name = f"c{len(self._kept)}"
        self._kept[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def _floats(self, value: Any) -> str:
        return self._keep(np.asarray(value, np.float32))

    def _groups(self) -> str:
        weight, bias = self._tensors["encode.weight"], self._tensors["encode.bias"]
        if self._config.shared:
            product = self._add("MatMul", "rows", self._floats(weight[0]))
            tokens = self._add("Tanh", self._add("Add", product, self._floats(bias)))
            return self._add("Transpose", self._only_real(tokens, 0.0), perm=[1, 0, 2])
        by_token = self._add("Transpose", "rows", perm=[1, 0, 2])  # (T, B, W)
        product = self._add("MatMul", by_token, self._floats(weight))
        return self._add("Tanh", self._add("Add", product, self._floats(bias[:, None])))

    def _characters(self) -> str:
        """The convolution as one product of each patch with both halves of the kernel: a third of Conv's time."""
        patch, hidden = self._config.patch, self._config.hidden
        letters = self._add("Gather", self._floats(self._tensors["encode.embed.weight"]), "rows")  # (B, L + patch, E)
        shape = np.array([0, -1, patch * self._config.embedding], np.int64)
        patches = self._add("Reshape", letters, self._keep(shape))  # (B, T + 1, patch * E)
        halves = np.split(self._tensors["encode.mix.weight"], 2, 2)  # (H, E, patch) each
        table = np.concatenate([half.transpose(2, 1, 0).reshape(-1, hidden) for half in halves], 1)
        products = self._add("MatMul", patches, self._floats(table))  # (B, T + 1, 2H)
        first = self._slice(products, [0, 0], [-1, hidden])
        second = self._slice(products, [1, hidden], [_END, 2 * hidden])
        mixed = self._add("Add", self._add("Add", first, second), self._floats(self._tensors["encode.mix.bias"]))
        return self._add("Transpose", self._only_real(self._add("Tanh", mixed), 0.0), perm=[1, 0, 2])

    def _slice(self, name: str, starts: list[int], ends: list[int]) -> str:
        """A part of the second and third axis."""
        bounds = [self._keep(np.array(part, np.int64)) for part in (starts, ends, [1, 2])]
        return self._add("Slice", name, *bounds)

    def _only_real(self, tokens: str, otherwise: float) -> str:
        """What is said of padding (B, T, ...) replaced, where there is any."""
        if not self._masked:
            return tokens
        real = self._add("Unsqueeze", "real", self._keep(np.array([2], np.int64)))
        return self._add("Where", real, tokens, self._floats(otherwise))

    def _lstm(self, tokens: str) -> str:
        """Eq. 4, tokens (T, B, H) to states (B, T, D)."""
        config, tensors = self._config, self._tensors
        ways = ("", "_reverse")[: config.directions]
        start = ["", "hidden", "cell"] if config.padded else []
        for layer in range(config.layers):

            def both(name: str, at: int = layer) -> NDArray[Any]:
                return np.stack([_onnx_gates(tensors[f"lstm.{name}_l{at}{way}"]) for way in ways])

            bias = np.concatenate([both("bias_ih"), both("bias_hh")], 1)
            states = self._add(
                "LSTM", tokens, self._floats(both("weight_ih")), self._floats(both("weight_hh")), self._floats(bias),
                *start, hidden_size=config.hidden, direction="bidirectional" if len(ways) == 2 else "forward",
            )  # (T, directions, B, H)  # fmt: skip
            deeper = layer + 1 < config.layers
            turned = self._add("Transpose", states, perm=[0, 2, 1, 3] if deeper else [2, 0, 1, 3])
            tokens = self._add("Reshape", turned, self._keep(np.array([0, 0, config.states], np.int64)))
        return tokens

    def _attended(self, states: str) -> str:
        """Eq. 6 with one learned query, as ``RiskNetwork.attend`` has it: (B, D)."""
        question = asked(self._config, self._tensors)[:, None]
        scores = self._only_real(self._add("MatMul", states, self._floats(question)), FAR)  # (B, T, 1)
        weights = self._add("Transpose", self._add("Softmax", scores, axis=1), perm=[0, 2, 1])
        pool = self._add("Flatten", self._add("MatMul", weights, states), axis=1)  # (B, D)
        return self._add("MatMul", pool, self._floats(self._tensors["value.weight"].T))

    def _dense(self, pooled: str) -> str:
        """The hidden layer of the DNN with its BatchNorm, as one product and a ReLU."""
        weight, bias = hidden_layer(self._config, self._tensors)
        return self._add("Relu", self._add("Gemm", pooled, self._floats(weight.T), self._floats(bias)))


def hidden_layer(config: NetworkConfig, tensors: Tensors) -> tuple[Floats, Floats]:
    """Weight (M, P) and bias (M,) of the DNN's hidden layer, its BatchNorm in eval mode taken in."""
    weight, bias = tensors["dnn.0.weight"].astype(np.float64), tensors["dnn.0.bias"].astype(np.float64)
    if config.batch_norm:
        norm = {name: tensors[f"dnn.1.{name}"] for name in ("weight", "bias", "running_mean", "running_var")}
        scale = norm["weight"] / np.sqrt(norm["running_var"] + _EPSILON)
        weight, bias = weight * scale[:, None], (bias - norm["running_mean"]) * scale + norm["bias"]
    return weight.astype(np.float32), bias.astype(np.float32)


def asked(config: NetworkConfig, tensors: Tensors) -> Floats:
    """What a state (D,) is multiplied with for its attention score: K q = states (W_k^T q), eq. 6."""
    if not config.attention:  # equal scores are mean pooling
        return np.zeros(config.states, np.float32)
    return np.asarray(tensors["query"] @ tensors["key.weight"] / math.sqrt(config.hidden), np.float32)


def _onnx_gates(tensor: NDArray[Any]) -> NDArray[Any]:
    """Input, forget, candidate, output as torch has them to ONNX's input, output, forget, candidate."""
    return np.concatenate([tensor[part] for part in gates_of(len(tensor) // 4, "iofg")])


def load(architecture: dict[str, Any], path: Path, threads: int = 1) -> tuple[Runtime, dict[str, NDArray[Any]]]:
    """A network from the card's architecture and a weights file, and the file's extras.

    Raises:
        ModelError: the architecture is not one of ours, or the weights do not fit it.
    """
    try:
        config = NetworkConfig(**architecture)
        tensors = load_file(path)
        extras = {name.removeprefix(EXTRA): tensors.pop(name) for name in list(tensors) if name.startswith(EXTRA)}
        _fit(config, tensors)
        return Runtime(config, tensors, threads), extras
    except (TypeError, ValueError, SafetensorError, OSError) as error:
        raise ModelError(
            f"weights do not fit the card: {str(error).splitlines()[0]}", source=path,
            remedy="install soc-tui again, or train the model with soc-tui models train",
        ) from error  # fmt: skip


def _fit(config: NetworkConfig, tensors: Tensors) -> None:
    """Refuse tensors of other names or shapes than the config's.

    Raises:
        ValueError: names the first that does not fit.
    """
    wanted, found = shapes(config), {name: value.shape for name, value in tensors.items()}
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            raise ValueError(f"{name} is {found.get(name, 'missing')} and not {wanted.get(name, 'known')}")
