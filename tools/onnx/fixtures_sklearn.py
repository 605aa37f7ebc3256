"""Writes ONNX files with skl2onnx, and beside each what ONNX Runtime computes with it.

    python tools/onnx/fixtures_sklearn.py FOLDER

needs scikit-learn, skl2onnx, onnxruntime, safetensors.
"""

import sys
import warnings
from pathlib import Path

import numpy
import onnxruntime
from safetensors.numpy import save_file
from skl2onnx import to_onnx
from sklearn.neural_network import MLPClassifier, MLPRegressor

warnings.filterwarnings("ignore")


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    random = numpy.random.default_rng(5)
    x = random.normal(size=(60, 5)).astype("float32")
    classes = (x[:, 0] + x[:, 1] > 0).astype(int) + (x[:, 2] > 0.5)
    models = {
        "classifier": (MLPClassifier(hidden_layer_sizes=(7, 6), activation="tanh", max_iter=30, random_state=1).fit(x, classes),
                       {"zipmap": False}),
        "regressor": (MLPRegressor(hidden_layer_sizes=(6,), activation="relu", max_iter=30, random_state=1).fit(x, x[:, 0] * x[:, 1]), {}),
    }
    for name, (model, options) in models.items():
        path = folder / f"{name}_sk.onnx"
        made = to_onnx(model, x[:1], options={id(model): options} if options else None, target_opset=17)
        path.write_bytes(made.SerializeToString())
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        output = session.run(None, {session.get_inputs()[0].name: x[:4]})[-1]
        tensors = {session.get_inputs()[0].name: x[:4].copy(), "output": numpy.ascontiguousarray(output)}
        save_file(tensors, path.with_suffix(".safetensors"))


if __name__ == "__main__":
    main()
