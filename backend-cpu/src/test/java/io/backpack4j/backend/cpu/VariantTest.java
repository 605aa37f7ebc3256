// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What tests over all variants share: one backend per kernel set, one scope per test. */
public abstract class VariantTest {

    private static final Map<String, Backend> BACKENDS = new HashMap<>();

    /** Marks a test that runs once per variant. */
    @Target(ElementType.METHOD)
    @Retention(RetentionPolicy.RUNTIME)
    @ParameterizedTest
    @MethodSource("variants")
    public @interface EachVariant {}

    public static List<Variant> variants() {
        return Variant.all();
    }

    @AfterAll
    public static void closeBackends() {
        BACKENDS.values().forEach(Backend::close);
        BACKENDS.clear();
    }

    public static Backend backend(Variant variant) {
        return BACKENDS.computeIfAbsent(variant.kernels(), Variant::open);
    }

    public static Shape randomShape(Random random, int rank, int limit) {
        long[] sizes = new long[rank];
        for (int axis = 0; axis < rank; axis++) {
            sizes[axis] = 1L + random.nextInt(limit);
        }
        return Shape.of(sizes);
    }

    /** A tensor full of NaN: whoever reads the old contents of a destination is found out. */
    public static Tensor dirty(TensorScope scope, Variant variant, Shape shape) {
        return Numbers.filled(shape, Double.NaN).on(scope, variant);
    }
}
