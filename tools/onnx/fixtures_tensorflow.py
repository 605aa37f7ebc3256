"""Writes ONNX files with tf2onnx, and beside each what ONNX Runtime computes with it.

    python tools/onnx/fixtures_tensorflow.py FOLDER

needs tensorflow, tf2onnx, onnxruntime, safetensors.
"""

import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy
import onnxruntime
import tensorflow as tf
import tf2onnx
from safetensors.numpy import save_file

tf.random.set_seed(3)
RANDOM = numpy.random.default_rng(3)


class Module(tf.Module):
    """A network of TensorFlow's own operations, channels last, as Keras writes them."""

    def __init__(self, build):
        super().__init__()
        self.weights = {}
        self.build = build

    def weight(self, name, *shape):
        if name not in self.weights:
            self.weights[name] = tf.Variable(RANDOM.normal(0, 0.4, shape).astype("float32"), name=name)
        return self.weights[name]

    def __call__(self, x):
        return self.build(self, x)


def mlp(m, x):
    x = tf.nn.relu(tf.matmul(x, m.weight("dense/kernel", 6, 8)) + m.weight("dense/bias", 8))
    return tf.matmul(x, m.weight("dense_1/kernel", 8, 3)) + m.weight("dense_1/bias", 3)


def convolution(m, x):
    x = tf.nn.bias_add(tf.nn.conv2d(x, m.weight("conv2d/kernel", 3, 3, 2, 4), 2, "SAME"), m.weight("conv2d/bias", 4))
    x = tf.nn.relu6(x)
    x, _, _ = tf.compat.v1.nn.fused_batch_norm(
        x, m.weight("norm/gamma", 4), m.weight("norm/beta", 4), m.weight("norm/mean", 4),
        tf.square(m.weight("norm/variance", 4)) + 0.5, is_training=False)
    x = tf.nn.max_pool2d(x, 2, 2, "VALID")
    x = tf.nn.leaky_relu(tf.nn.conv2d(x, m.weight("conv2d_1/kernel", 2, 2, 4, 5), 1, "VALID"))
    x = tf.reduce_mean(x, [1, 2])
    return tf.matmul(x, m.weight("dense/kernel", 5, 3)) + m.weight("dense/bias", 3)


def mixer(m, x):
    """Layer norms, GELU and reshapes as Keras writes them."""
    mean = tf.reduce_mean(x, -1, keepdims=True)
    d = x - mean
    x = d / tf.sqrt(tf.reduce_mean(tf.square(d), -1, keepdims=True) + 1e-6)
    x = x * m.weight("layer_norm/gamma", 4) + m.weight("layer_norm/beta", 4)
    h = tf.tensordot(x, m.weight("dense/kernel", 4, 6), 1) + m.weight("dense/bias", 6)
    h = 0.5 * h * (1.0 + tf.math.erf(h / 1.4142135623730951))  # tf.nn.gelu has erfc, which ONNX has not
    h = tf.transpose(h, [0, 2, 1])
    h = tf.reshape(h, [-1, 18])
    return tf.nn.softmax(tf.matmul(h, m.weight("head/kernel", 18, 3)) + m.weight("head/bias", 3))


MODELS = {"mlp": (mlp, (6,)), "convolution": (convolution, (9, 9, 2)), "mixer": (mixer, (3, 4))}


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, (build, shape) in MODELS.items():
        for batch in (None, 1):
            module = Module(build)
            module(tf.zeros((1, *shape)))
            function = tf.function(module.__call__, input_signature=[tf.TensorSpec((batch, *shape), tf.float32, "input")])
            path = folder / f"{name}_tf{'' if batch is None else batch}.onnx"
            tf2onnx.convert.from_function(function, function.input_signature, opset=17, output_path=str(path))
            x = RANDOM.normal(size=(batch or 2, *shape)).astype("float32")
            session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
            output = session.run(None, {session.get_inputs()[0].name: x})[0]
            save_file({"input": x, "output": numpy.ascontiguousarray(output)}, str(path.with_suffix(".safetensors")))


if __name__ == "__main__":
    main()
