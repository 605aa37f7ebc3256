package io.backpack4j.cli.evaluate;

import io.backpack4j.formats.DataFile;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** The vectors that a data file holds for the products of a plan, read one parameter at a time. */
final class ProductVectors implements AutoCloseable {

    private final @Nullable Safetensors file;
    private final @Nullable DataFile data;

    /** Shapes {@code [V, *p]} by the products' names. */
    private final SortedMap<String, Shape> shapes;

    private ProductVectors(@Nullable Safetensors file, @Nullable DataFile data, SortedMap<String, Shape> shapes) {
        this.file = file;
        this.data = data;
        this.shapes = shapes;
    }

    /**
     * Looks for the vectors of all products.
     *
     * @throws io.backpack4j.spi.BackpackException with all that are missing or do not fit
     */
    static ProductVectors of(Path dataFile, ModelDescription model, Plan plan) {
        if (plan.products().isEmpty()) {
            return new ProductVectors(null, null, new TreeMap<>());
        }
        Safetensors file = Safetensors.open(dataFile);
        Problems problems = new Problems();
        try {
            DataFile data = new DataFile(dataFile.toString(), file, model);
            SortedMap<String, Shape> shapes = new TreeMap<>();
            plan.products()
                    .forEach((name, parameter) ->
                            problems.collect(() -> shapes.put(name, data.vectors(parameterOf(name), parameter))));
            problems.throwIfAny();
            return new ProductVectors(file, data, shapes);
        } finally {
            if (!problems.isEmpty()) {
                file.close();
            }
        }
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
        DataFile open = data;
        if (open == null) {
            return;
        }
        results.products().forEach((name, product) -> {
            try (TensorScope scope = backend.openScope()) {
                Tensor vectors = scope.allocate(
                        product.parameter()
                                .prepend(
                                        Objects.requireNonNull(shapes.get(name)).size(0)),
                        dtype);
                open.readVectors(parameterOf(name), vectors);
                consumer.accept(name, product.multiply(scope, vectors));
            }
        });
    }

    @Override
    public void close() {
        if (file != null) {
            file.close();
        }
    }
}
