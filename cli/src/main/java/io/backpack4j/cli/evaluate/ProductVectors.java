// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.evaluate;

import io.backpack4j.formats.DataFile;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BiConsumer;

/** The vectors that a data file holds for the products of a plan, read one parameter at a time. */
final class ProductVectors {

    private final Optional<DataFile> data;

    /** Shapes {@code [V, *p]} by the products' names. */
    private final SortedMap<String, Shape> shapes;

    private ProductVectors(Optional<DataFile> data, SortedMap<String, Shape> shapes) {
        this.data = data;
        this.shapes = shapes;
    }

    /**
     * Looks for the vectors of all products.
     *
     * @param data stays open as long as these are used; empty for data that has none
     * @throws io.backpack4j.spi.BackpackException with all that are missing or do not fit
     */
    static ProductVectors of(Optional<DataFile> data, Plan plan) {
        Problems problems = new Problems();
        SortedMap<String, Shape> shapes = new TreeMap<>();
        plan.products()
                .forEach((name, parameter) -> problems.collect(
                        () -> shapes.put(name, file(data, name).vectors(parameterOf(name), parameter))));
        problems.throwIfAny();
        return new ProductVectors(data, shapes);
    }

    private static DataFile file(Optional<DataFile> data, String product) {
        return data.orElseThrow(() -> new BackpackException(
                CommonProblems.INVALID_OPTION,
                "The product '%s' needs vectors, which only a safetensors file with vec/%s has. Name one with --data."
                        .formatted(product, parameterOf(product))));
    }

    private static String parameterOf(String product) {
        return product.substring(0, product.indexOf('/'));
    }

    /** The tensors that products make. */
    Map<String, Plan.ResultType> results(DType dtype) {
        SortedMap<String, Plan.ResultType> results = new TreeMap<>();
        shapes.forEach((name, shape) -> results.put(name, new Plan.ResultType(dtype, shape)));
        return results;
    }

    /** Multiplies all vectors, product by product. */
    void multiply(Backend backend, Results results, DType dtype, BiConsumer<String, Tensor> consumer) {
        results.products().forEach((name, product) -> {
            try (TensorScope scope = backend.openScope()) {
                Tensor vectors = scope.allocate(
                        product.parameter()
                                .prepend(
                                        Objects.requireNonNull(shapes.get(name)).size(0)),
                        dtype);
                file(data, name).readVectors(parameterOf(name), vectors);
                consumer.accept(name, product.multiply(scope, vectors));
            }
        });
    }
}
