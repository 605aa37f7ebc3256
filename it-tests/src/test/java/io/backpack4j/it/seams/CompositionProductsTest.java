// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Linearization;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Products with curvature matrices of networks with compositions: to the last bit those of the written-out ones. */
class CompositionProductsTest extends ComposedNetworks {

    private static final int VECTORS = 3;

    @ParameterizedTest
    @EnumSource
    void products_are_those_of_the_written_network(ComposedPair pair) {
        List<CurvatureMatrix> matrices = List.of(
                new CurvatureMatrix.GaussNewton(),
                new CurvatureMatrix.Hessian(),
                new CurvatureMatrix.EmpiricalFisher(),
                new CurvatureMatrix.PositiveCurvature(CurvatureMatrix.Projection.CLIP),
                new CurvatureMatrix.PositiveCurvature(CurvatureMatrix.Projection.ABS));
        for (DType dtype : List.of(DType.FLOAT64, DType.FLOAT32)) {
            withModels(pair, dtype, (composed, written) -> {
                for (PassOptions options : List.of(
                        PassOptions.DEFAULT, PassOptions.DEFAULT.chunk(2).block(2))) {
                    try (Batch batch = batch(pair, dtype, 0, N);
                            Linearization left = backpack.linearize(composed, batch, matrices, options, 11);
                            Linearization right = backpack.linearize(written, batch, matrices, options, 11)) {
                        for (CurvatureMatrix matrix : matrices) {
                            multiply(pair, dtype, matrix, left, right);
                        }
                    }
                }
            });
        }
    }

    /** Multiplies vectors that move all parameters, and compares. */
    private static void multiply(
            ComposedPair pair, DType dtype, CurvatureMatrix matrix, Linearization left, Linearization right) {
        Random random = new Random(5);
        try (TensorScope scope = backpack.backend().openScope()) {
            Map<String, Tensor> tangents = new LinkedHashMap<>();
            Map<String, Tensor> ofBlocks = new LinkedHashMap<>();
            for (String name : left.parameters().keySet()) {
                Shape shape = left.parameters().get(name);
                double[] values =
                        random.doubles(VECTORS * shape.elements(), -1, 1).toArray();
                upload(scope, dtype, tangents, name, shape, values);
                List<String> blocks = pair.blocks(name);
                for (int block = 0; block < blocks.size(); block++) {
                    Shape part = right.parameters().get(blocks.get(block));
                    upload(scope, dtype, ofBlocks, blocks.get(block), part, rows(values, block, blocks.size()));
                }
            }
            Map<String, Tensor> products = zeros(scope, tangents);
            Map<String, Tensor> expected = zeros(scope, ofBlocks);
            left.multiply(matrix, 0.5, tangents, products);
            right.multiply(matrix, 0.5, ofBlocks, expected);
            products.forEach((name, product) -> {
                List<String> blocks = pair.blocks(name);
                for (int block = 0; block < blocks.size(); block++) {
                    assertThat(rows(product.toDoubleArray(), block, blocks.size()))
                            .as("%s of %s", matrix, blocks.get(block))
                            .isEqualTo(expected.get(blocks.get(block)).toDoubleArray());
                }
            });
        }
    }

    /** A block of the rows of every vector. */
    private static double[] rows(double[] vectors, int block, int blocks) {
        int size = vectors.length / VECTORS / blocks;
        return IntStream.range(0, VECTORS * size)
                .mapToDouble(i -> vectors[(i / size * blocks + block) * size + i % size])
                .toArray();
    }

    private static void upload(
            TensorScope scope, DType dtype, Map<String, Tensor> into, String name, Shape shape, double[] values) {
        into.put(name, backpack.backend().upload(scope, shape.prepend(VECTORS), dtype, values));
    }

    private static Map<String, Tensor> zeros(TensorScope scope, Map<String, Tensor> like) {
        Map<String, Tensor> zeros = new LinkedHashMap<>();
        like.forEach((name, tensor) -> {
            Tensor zero = scope.allocate(tensor.shape(), tensor.dtype());
            backpack.backend().elementwise().fill(zero, 0);
            zeros.put(name, zero);
        });
        return zeros;
    }

    /** The block of one parameter contains what its rows have to do with each other. */
    @Test
    void products_of_extensions_are_those_of_the_whole_parameter() {
        ComposedPair pair = ComposedPair.MASKED;
        withModels(pair, DType.FLOAT64, (composed, written) -> {
            Map<String, CurvatureMatrix> matrices = Map.of(
                    "GGNMP",
                    new CurvatureMatrix.GaussNewton(),
                    "HMP",
                    new CurvatureMatrix.Hessian(),
                    "PCHMP",
                    new CurvatureMatrix.PositiveCurvature(CurvatureMatrix.Projection.CLIP));
            List<Request<?>> requests = new ArrayList<>();
            CompositionTest.PRODUCTS.forEach(
                    type -> requests.add(backpack.catalog().request(type, Map.of())));
            try (Batch batch = batch(pair, DType.FLOAT64, 0, N);
                    Results results = backpack.plan(composed, batch, requests, PassOptions.DEFAULT)
                            .run(batch, 11);
                    Linearization right =
                            backpack.linearize(written, batch, matrices.values(), PassOptions.DEFAULT, 11);
                    TensorScope scope = backpack.backend().openScope()) {
                Shape shape = Shape.of(12, 4);
                double[] values = new Random(9).doubles(VECTORS * 48, -1, 1).toArray();
                Tensor vectors = backpack.backend().upload(scope, shape.prepend(VECTORS), DType.FLOAT64, values);
                Map<String, Tensor> ofBlocks = new LinkedHashMap<>();
                List<String> blocks = pair.blocks("enc.in_proj_weight");
                for (int block = 0; block < 3; block++) {
                    upload(scope, DType.FLOAT64, ofBlocks, blocks.get(block), Shape.of(4, 4), rows(values, block, 3));
                }
                assertThat(results.products().keySet()).contains("enc.in_proj_weight/ggnmp", "enc.in_proj_bias/hmp");
                matrices.forEach((type, matrix) -> {
                    Map<String, Tensor> expected = zeros(scope, ofBlocks);
                    right.multiply(matrix, 1, ofBlocks, expected);
                    String name = "enc.in_proj_weight/" + type.toLowerCase(Locale.ROOT);
                    double[] product = results.products()
                            .get(type.equals("PCHMP") ? name + "_clip" : name)
                            .multiply(scope, vectors)
                            .toDoubleArray();
                    for (int block = 0; block < 3; block++) {
                        assertThat(rows(product, block, 3))
                                .as(type)
                                .isEqualTo(expected.get(blocks.get(block)).toDoubleArray());
                    }
                });
            }
        });
    }
}
