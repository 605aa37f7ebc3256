// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.graph;

import io.backpack4j.kernel.Parameters;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.module.Initializer;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;

/** The numbers of a model. */
final class ParameterStore implements Parameters {

    /** Parameters are drawn as if they were one sample's. */
    private static final long[] ONE_SAMPLE = {0};

    private final Backend backend;
    private final TensorScope scope;
    private final Map<String, ParameterSpec> specs;
    private final List<String> trainable;
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();
    private final long seed;
    private final Set<String> unset;
    private volatile boolean complete;

    /** @param seed from which parameters that nobody has set are drawn at their first use */
    ParameterStore(Backend backend, BoundGraph bound, DType dtype, long seed) {
        this.backend = backend;
        this.seed = seed;
        this.unset = new HashSet<>(bound.parameters().keySet());
        this.scope = backend.openScope();
        this.specs = bound.parameters();
        this.trainable = List.copyOf(bound.uses().keySet());
        boolean done = false;
        try {
            specs.forEach((name, spec) -> tensors.put(name, scope.allocate(spec.shape(), spec.dtype(dtype))));
            done = true;
        } finally {
            if (!done) {
                scope.close();
            }
        }
    }

    @Override
    public List<String> names() {
        return List.copyOf(specs.keySet());
    }

    @Override
    public List<String> trainable() {
        return trainable;
    }

    @Override
    public ParameterSpec spec(String name) {
        ParameterSpec spec = specs.get(name);
        if (spec == null) {
            throw new BackpackException(
                    CommonProblems.UNKNOWN_PARAMETER,
                    "The model has no parameter '%s'. Its parameters: %s."
                            .formatted(name, String.join(", ", specs.keySet())));
        }
        return spec;
    }

    @Override
    public Tensor get(String name) {
        Tensor tensor = tensor(name);
        if (!complete) {
            initializeUnset(name);
        }
        return tensor;
    }

    private Tensor tensor(String name) {
        spec(name);
        return Objects.requireNonNull(tensors.get(name));
    }

    @Override
    public boolean isSet(String name) {
        spec(name);
        synchronized (unset) {
            return !unset.contains(name);
        }
    }

    /** Several passes may use a parameter for the first time at once. */
    private void initializeUnset(String name) {
        synchronized (unset) {
            if (unset.contains(name)) {
                initialize(name, seed);
                markSet(name);
            }
        }
    }

    private void markSet(String name) {
        synchronized (unset) {
            unset.remove(name);
            complete = unset.isEmpty();
        }
    }

    @Override
    public void set(String name, double[] values) {
        Shape shape = spec(name).shape();
        if (values.length != shape.elements()) {
            throw new BackpackException(
                    CommonProblems.SHAPE_MISMATCH,
                    "Parameter '%s' has shape %s, that is %d numbers, but %d were given."
                            .formatted(name, shape, shape.elements(), values.length));
        }
        Tensor tensor = tensor(name);
        Finite.require("Parameter '" + name + "'", shape, tensor.dtype(), values);
        if (spec(name).isInteger()) {
            tensor.write(0, integers(name, values), 0, values.length);
        } else {
            tensor.write(0, values, 0, values.length);
        }
        markSet(name);
    }

    private static long[] integers(String name, double... values) {
        long[] integers = new long[values.length];
        for (int i = 0; i < values.length; i++) {
            integers[i] = (long) values[i];
            if (integers[i] != values[i]) {
                throw new BackpackException(
                        CommonProblems.WRONG_TYPE,
                        "Buffer '%s' holds integers, but was given %s.".formatted(name, values[i]));
            }
        }
        return integers;
    }

    @Override
    public void set(String name, Consumer<Tensor> writer) {
        writer.accept(tensor(name));
        markSet(name);
    }

    @Override
    public void initialize(long from) {
        for (String name : specs.keySet()) {
            initialize(name, from);
            markSet(name);
        }
    }

    /** Draws do not depend on those of other parameters. */
    private void initialize(String name, long from) {
        RandomKey key = new RandomKey(from, 0, 0).stream("parameter:" + name);
        initialize(tensor(name), spec(name).initializer(), key);
    }

    private void initialize(Tensor tensor, Initializer initializer, RandomKey key) {
        try (TensorScope temporary = backend.openScope()) {
            Tensor row = temporary.view(tensor, tensor.shape().prepend(1));
            if (initializer instanceof Initializer.Constant constant && tensor.dtype() == DType.INT64) {
                long[] values = new long[Math.toIntExact(tensor.shape().elements())];
                Arrays.fill(values, (long) constant.value());
                tensor.write(0, values, 0, values.length);
            } else if (initializer instanceof Initializer.Constant constant) {
                backend.elementwise().fill(tensor, constant.value());
            } else if (initializer instanceof Initializer.Uniform uniform) {
                backend.random().uniform(key, ONE_SAMPLE, row);
                backend.elementwise().affine(tensor, 2 * uniform.bound(), -uniform.bound(), tensor);
            } else if (initializer instanceof Initializer.Normal normal) {
                backend.random().normal(key, ONE_SAMPLE, row);
                backend.elementwise().affine(tensor, normal.standardDeviation(), 0, tensor);
            } else if (initializer instanceof Initializer.ZeroRow zero) {
                initialize(tensor, zero.others(), key);
                backend.elementwise().fill(temporary.rows(tensor, zero.row(), zero.row() + 1), 0);
            }
        }
    }

    void close() {
        scope.close();
    }
}
