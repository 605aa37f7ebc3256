// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.TestContext;
import io.backpack4j.testkit.heap.HeapBackend;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.DoubleStream;

/** Makes modules as model files do, and evaluates those without parameters. */
final class Types {

    private Types() {}

    /**
     * Makes a module.
     *
     * @param namesAndValues the arguments: names and values in turns
     */
    static Module create(String type, Object... namesAndValues) {
        Map<String, Object> values = new LinkedHashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            values.put((String) namesAndValues[i], namesAndValues[i + 1]);
        }
        Arguments arguments = new Arguments("node 'a' (" + type + ")", values);
        Module module = new ConvPlugin()
                .modules().stream()
                        .filter(provider -> provider.type().equals(type))
                        .findFirst()
                        .orElseThrow()
                        .create(arguments);
        arguments.rejectUnknown();
        return module;
    }

    static ModuleDeclaration declare(Module module, long... sample) {
        return module.declare(List.of(Shape.of(sample)));
    }

    static Shape output(Module module, long... sample) {
        return declare(module, sample).output();
    }

    /** The output for samples of shape {@code sample}. */
    static double[] forward(Module module, Shape sample, double... values) {
        long samples = values.length / sample.elements();
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            Tensor input = backend.upload(scope, sample.prepend(samples), DType.FLOAT64, values);
            return module.evaluate(TestContext.of(backend, scope, samples), List.of(input), Map.of())
                    .output()
                    .toDoubleArray();
        }
    }

    /** 1, 2, 3, … */
    static double[] counting(long count) {
        return DoubleStream.iterate(1, it -> it + 1).limit(count).toArray();
    }
}
