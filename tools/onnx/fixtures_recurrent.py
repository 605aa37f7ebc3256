"""Writes ONNX files of recurrent layers with initial states and lengths of sequences, and beside each what ONNX Runtime computes with it.

    python tools/onnx/fixtures_recurrent.py FOLDER

needs numpy, onnx, onnxruntime, safetensors. Each NAME.onnx gets NAME.safetensors with its inputs and `output`.
"""

import sys
from pathlib import Path

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

SAMPLES, STEPS, FEATURES, HIDDEN = 3, 4, 5, 4
RANDOM = numpy.random.default_rng(5)


def weights(gates, directions):
    """W, R and B, as initializers."""
    shapes = {"w": (directions, gates * HIDDEN, FEATURES), "r": (directions, gates * HIDDEN, HIDDEN), "b": (directions, 2 * gates * HIDDEN)}
    return [numpy_helper.from_array((0.5 * RANDOM.standard_normal(shape)).astype("float32"), name) for name, shape in shapes.items()]


def batch_first(name, perm=(1, 0, 2)):
    return helper.make_node("Transpose", [name], [f"{name}_t"], perm=list(perm))


def write(folder, name, nodes, initializers, inputs, output):
    values = {"lengths": TensorProto.INT64}
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info(key, values.get(key, TensorProto.FLOAT), ["batch", *array.shape[1:]]) for key, array in inputs.items()],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", *output])],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    path = folder / f"{name}.onnx"
    onnx.save(model, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    computed = session.run(None, inputs)[0]
    save_file(inputs | {"output": numpy.ascontiguousarray(computed)}, path.with_suffix(".safetensors"))


def numbers(*shape):
    return RANDOM.standard_normal((SAMPLES, *shape)).astype("float32")


def lstm(folder):
    """Two directions, both states and lengths as inputs; every output."""
    inputs = {"input": numbers(STEPS, FEATURES), "h0": numbers(2, HIDDEN), "c0": numbers(2, HIDDEN), "lengths": numpy.array([2, 4, 1])}
    nodes = [
        batch_first("input"),
        batch_first("h0"),
        batch_first("c0"),
        helper.make_node("Cast", ["lengths"], ["steps"], to=TensorProto.INT32),
        helper.make_node("LSTM", ["input_t", "w", "r", "b", "steps", "h0_t", "c0_t"], ["y", "", ""], hidden_size=HIDDEN, direction="bidirectional"),
        helper.make_node("Transpose", ["y"], ["y_t"], perm=[2, 0, 1, 3]),
        helper.make_node("Reshape", ["y_t", "shape"], ["output"]),
    ]
    shape = numpy_helper.from_array(numpy.array([0, STEPS, 2 * HIDDEN]), "shape")
    write(folder, "lstm_states", nodes, [*weights(4, 2), shape], inputs, (STEPS, 2 * HIDDEN))


def gru(folder):
    """A trained initial state, the same for every sample; the last state."""
    state = numpy_helper.from_array(RANDOM.standard_normal((1, 1, HIDDEN)).astype("float32"), "state")
    constants = {"one": numpy.array([1]), "hidden": numpy.array([HIDDEN]), "first": numpy.array([0])}
    nodes = [
        batch_first("input"),
        helper.make_node("Shape", ["input"], ["sizes"]),
        helper.make_node("Gather", ["sizes", "first"], ["batch"]),
        helper.make_node("Concat", ["one", "batch", "hidden"], ["wanted"], axis=0),
        helper.make_node("Expand", ["state", "wanted"], ["states"]),
        helper.make_node("GRU", ["input_t", "w", "r", "b", "", "states"], ["", "last"], hidden_size=HIDDEN, linear_before_reset=1),
        helper.make_node("Squeeze", ["last", "first"], ["output"]),
    ]
    all_constants = [numpy_helper.from_array(value, key) for key, value in constants.items()]
    write(folder, "gru_states", nodes, [*weights(3, 1), state, *all_constants], {"input": numbers(STEPS, FEATURES)}, (HIDDEN,))


def rnn(folder):
    """Lengths only."""
    inputs = {"input": numbers(STEPS, FEATURES), "lengths": numpy.array([4, 1, 3])}
    nodes = [
        batch_first("input"),
        helper.make_node("Cast", ["lengths"], ["steps"], to=TensorProto.INT32),
        helper.make_node("RNN", ["input_t", "w", "r", "b", "steps"], ["y"], hidden_size=HIDDEN),
        helper.make_node("Transpose", ["y"], ["y_t"], perm=[2, 0, 1, 3]),
        helper.make_node("Reshape", ["y_t", "shape"], ["output"]),
    ]
    shape = numpy_helper.from_array(numpy.array([0, STEPS, HIDDEN]), "shape")
    write(folder, "rnn_lengths", nodes, [*weights(1, 1), shape], inputs, (STEPS, HIDDEN))


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    lstm(folder)
    gru(folder)
    rnn(folder)


if __name__ == "__main__":
    main()
