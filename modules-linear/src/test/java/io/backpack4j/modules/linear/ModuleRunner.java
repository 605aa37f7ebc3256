// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.TestContext;
import io.backpack4j.testkit.heap.HeapBackend;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

/** Evaluates modules without parameters. */
final class ModuleRunner {

    private ModuleRunner() {}

    /** The output for samples with ids 0, 1, … and shape {@code sample}. */
    static double[] forward(Module module, Shape sample, double... values) {
        long[] ids = LongStream.range(0, values.length / sample.elements()).toArray();
        return forward(module, DType.FLOAT64, ids, new RandomKey(0, 0, 0), sample, values);
    }

    static double[] forward(Module module, DType dtype, long[] ids, RandomKey key, Shape sample, double... values) {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            Tensor input = backend.upload(scope, sample.prepend(ids.length), dtype, values);
            return module.evaluate(new TestContext(backend, scope, ids, key), List.of(input), Map.of())
                    .output()
                    .toDoubleArray();
        }
    }

    /** 0, 1, 2, … */
    static double[] counting(long count) {
        return LongStream.range(0, count).asDoubleStream().toArray();
    }

    static ModuleDeclaration declare(Module module, Shape... samples) {
        return module.declare(List.of(samples));
    }
}
