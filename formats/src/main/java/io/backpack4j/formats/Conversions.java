// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

/** How files become safetensors, in two lines of Python. */
final class Conversions {

    private Conversions() {}

    /** Tied weights are one in PyTorch's memory, which save_file refuses: hence the copies. */
    static String ofCheckpoint(String file) {
        return "With the network in Python, backpack4j_export writes model and data at once: docs/guide/from-pytorch.md. "
                + lines(
                        "torch",
                        "import torch; from safetensors.torch import save_file; d = torch.load(%s, map_location='cpu', weights_only=True)"
                                .formatted(Failures.quoted(file)),
                        "save_file({**{k: v.clone().contiguous() for k, v in d.get('state_dict', d).items()}, 'input': x, 'target': y}, %s)"
                                .formatted(target(file)));
    }

    static String ofNpz(String file) {
        return lines(
                "numpy",
                "import numpy; from safetensors.numpy import save_file; d = dict(numpy.load(%s))"
                        .formatted(Failures.quoted(file)),
                "save_file({**d, 'input': x, 'target': y}, %s)".formatted(target(file)));
    }

    static String ofNpy(String file) {
        return "In Python, if it is the input of a batch, with its target as y and the parameters as p:\n    %s\n    %s"
                .formatted(
                        "import numpy; from safetensors.numpy import save_file",
                        "save_file({**p, 'input': numpy.load(%s), 'target': y}, %s)"
                                .formatted(Failures.quoted(file), target(file)));
    }

    static String ofHdf5(String file) {
        return lines(
                "numpy",
                "import h5py; from safetensors.numpy import save_file; d = {}; h5py.File(%s).visititems(lambda n, t: d.update({n.replace('/', '.'): t[()]}) if hasattr(t, 'shape') else None)"
                        .formatted(Failures.quoted(file)),
                "save_file({**d, 'input': x, 'target': y}, %s)".formatted(target(file)));
    }

    private static String lines(String library, String first, String second) {
        String batch = library.equals("torch") ? "tensors x and y" : "arrays x and y";
        return "In Python, with input and target of a batch as %s:\n    %s\n    %s".formatted(batch, first, second);
    }

    private static String target(String file) {
        String name = file.substring(1 + Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')));
        int dot = name.lastIndexOf('.');
        return Failures.quoted((dot > 0 ? name.substring(0, dot) : name) + ".safetensors");
    }
}
