// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.Patterns;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/** Where parameters stand in a vector of length P: one after the other, each row-major. Immutable. */
public final class ParameterLayout {

    private final Backend backend;
    private final DType dtype;
    private final Map<String, Shape> shapes;
    private final long size;

    private ParameterLayout(Backend backend, DType dtype, Map<String, Shape> shapes) {
        this.backend = backend;
        this.dtype = dtype;
        this.shapes = Collections.unmodifiableMap(new LinkedHashMap<>(shapes));
        this.size = shapes.values().stream().mapToLong(Shape::elements).sum();
    }

    /**
     * Creates a layout.
     *
     * @param backend where vectors are kept
     * @param dtype their type
     * @param shapes the parameters' names and shapes, in their order
     */
    public static ParameterLayout of(Backend backend, DType dtype, Map<String, Shape> shapes) {
        return new ParameterLayout(backend, dtype, shapes);
    }

    /**
     * Some of the parameters, in the same order.
     *
     * @param patterns of names, {@code *} standing for anything, such as {@code 0.*}
     * @throws BackpackException if there is no pattern, or one that matches none
     */
    public ParameterLayout only(List<String> patterns) {
        if (patterns.isEmpty()) {
            throw new BackpackException(
                    KernelProblems.NO_PARAMETERS, "No parameter was asked for. Parameters: %s.".formatted(names()));
        }
        for (String pattern : patterns) {
            if (shapes.keySet().stream().noneMatch(name -> Patterns.matches(pattern, name))) {
                throw new BackpackException(
                        KernelProblems.NO_PARAMETERS,
                        "No trained parameter matches '%s'. Parameters: %s.".formatted(pattern, names()));
            }
        }
        Map<String, Shape> some = new LinkedHashMap<>(shapes);
        some.keySet().removeIf(name -> patterns.stream().noneMatch(pattern -> Patterns.matches(pattern, name)));
        return new ParameterLayout(backend, dtype, some);
    }

    /** Where vectors are kept. */
    public Backend backend() {
        return backend;
    }

    /** The element type of vectors. */
    public DType dtype() {
        return dtype;
    }

    /** The names and shapes, in their order. */
    public Map<String, Shape> shapes() {
        return shapes;
    }

    /** The names, in their order. */
    public List<String> names() {
        return List.copyOf(shapes.keySet());
    }

    /** P: the number of elements of all parameters. */
    public long size() {
        return size;
    }

    /**
     * Cuts vectors into parameters: copies.
     *
     * @param scope owns the result
     * @param flat {@code [V, P]}
     * @return {@code [V, *p]} by name
     */
    public Map<String, Tensor> split(TensorScope scope, Tensor flat) {
        check(flat);
        long count = flat.shape().size(0);
        Map<String, Tensor> parts = new LinkedHashMap<>();
        forEach((name, columns) -> {
            Tensor part = scope.allocate(shape(name).prepend(count), dtype);
            try (TensorScope step = backend.openScope()) {
                Tensor rows = step.view(part, Shape.of(count, columns.sizes().get(1)));
                backend.indexing().extract(flat, columns.with(0, 0, count), rows);
            }
            parts.put(name, part);
        });
        return parts;
    }

    /**
     * Joins parameters to vectors.
     *
     * @param parts {@code [V, *p]} by name, all parameters of this layout
     * @param flat {@code [V, P]}, overwritten
     * @throws BackpackException if a parameter is missing, is one too many, or has another shape
     */
    public void join(Map<String, Tensor> parts, Tensor flat) {
        check(flat);
        check(parts, flat.shape().size(0));
        long count = flat.shape().size(0);
        forEach((name, columns) -> {
            try (TensorScope step = backend.openScope()) {
                Tensor rows = step.view(
                        Objects.requireNonNull(parts.get(name)),
                        Shape.of(count, columns.sizes().get(1)));
                backend.indexing().insert(rows, columns.with(0, 0, count), flat);
            }
        });
    }

    /**
     * Cuts vectors into parameters that are only read: what is there already, if there is one vector.
     *
     * @param scope owns the result
     * @param flat {@code [V, P]}, outlives the result
     * @return {@code [V, *p]} by name
     */
    Map<String, Tensor> parts(TensorScope scope, Tensor flat) {
        if (flat.shape().size(0) != 1) {
            return split(scope, flat);
        }
        check(flat);
        Tensor elements = scope.view(flat, Shape.of(size, 1));
        Map<String, Tensor> parts = new LinkedHashMap<>();
        long first = 0;
        for (Map.Entry<String, Shape> entry : shapes.entrySet()) {
            long behind = first + entry.getValue().elements();
            Tensor own = scope.rows(elements, first, behind);
            parts.put(entry.getKey(), scope.view(own, entry.getValue().prepend(1)));
            first = behind;
        }
        return parts;
    }

    /**
     * Fills vectors with sums that are made parameter by parameter, where they stay if there is one vector.
     *
     * @param flat {@code [V, P]}, overwritten
     * @param adder adds to zeros {@code [V, *p]} by name
     */
    void add(Tensor flat, Consumer<Map<String, Tensor>> adder) {
        check(flat);
        long count = flat.shape().size(0);
        try (TensorScope scope = backend.openScope()) {
            if (count == 1) {
                backend.elementwise().fill(flat, 0);
                adder.accept(parts(scope, flat));
            } else {
                Map<String, Tensor> sums = zeros(scope, count);
                adder.accept(sums);
                join(sums, flat);
            }
        }
    }

    /** Zeros {@code [V, *p]} by name. */
    private Map<String, Tensor> zeros(TensorScope scope, long count) {
        Map<String, Tensor> parts = new LinkedHashMap<>();
        shapes.forEach((name, shape) -> {
            Tensor part = scope.allocate(shape.prepend(count), dtype);
            backend.elementwise().fill(part, 0);
            parts.put(name, part);
        });
        return parts;
    }

    /** The shape of a parameter of this layout. */
    private Shape shape(String name) {
        return Objects.requireNonNull(shapes.get(name));
    }

    /** Calls with every parameter's name and its columns, of one row. */
    private void forEach(BiConsumer<String, Region> consumer) {
        Region all = Region.all(Shape.of(1, size));
        long first = 0;
        for (Map.Entry<String, Shape> entry : shapes.entrySet()) {
            long length = entry.getValue().elements();
            consumer.accept(entry.getKey(), all.with(1, first, length));
            first += length;
        }
    }

    private void check(Tensor flat) {
        Shape shape = flat.shape();
        if (shape.rank() != 2 || shape.size(1) != size || flat.dtype() != dtype) {
            throw new BackpackException(
                    CommonProblems.SHAPE_MISMATCH,
                    "Vectors of parameters %s must be %s of shape [V, %d], but are %s of shape %s."
                            .formatted(names(), dtype, size, flat.dtype(), shape));
        }
    }

    private void check(Map<String, Tensor> parts, long count) {
        List<String> unknown = new ArrayList<>(parts.keySet());
        unknown.removeAll(shapes.keySet());
        List<String> missing = new ArrayList<>(shapes.keySet());
        missing.removeAll(parts.keySet());
        if (!unknown.isEmpty() || !missing.isEmpty()) {
            throw new BackpackException(
                    CommonProblems.UNKNOWN_PARAMETER,
                    "Vectors consist of parameters %s, but %s are missing and %s are not known."
                            .formatted(names(), missing, unknown));
        }
        parts.forEach((name, part) -> {
            Shape expected = shape(name).prepend(count);
            if (!part.shape().equals(expected) || part.dtype() != dtype) {
                throw new BackpackException(
                        CommonProblems.SHAPE_MISMATCH,
                        "Parameter '%s' of vectors must be %s of shape %s, but is %s of shape %s."
                                .formatted(name, dtype, expected, part.dtype(), part.shape()));
            }
        });
    }
}
