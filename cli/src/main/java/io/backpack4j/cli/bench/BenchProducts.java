// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.bench;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Linearization;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.extension.CurvatureMatrix.Projection;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Products of one vector with curvature matrices of a whole network, to be timed. */
final class BenchProducts implements AutoCloseable {

    private static final Map<String, CurvatureMatrix> MATRICES = matrices();

    private final Linearization linearization;
    private final TensorScope scope;
    private final List<CurvatureMatrix> wanted;
    private final Map<String, Tensor> vector = new LinkedHashMap<>();
    private final Map<String, Tensor> product = new LinkedHashMap<>();

    /** @param names of matrices, see {@link #names} */
    BenchProducts(BackPack backpack, Model model, Batch batch, List<String> names) {
        this.wanted = names.stream().map(BenchProducts::matrix).toList();
        this.linearization = backpack.linearize(model, batch, wanted, PassOptions.DEFAULT, 0);
        this.scope = backpack.backend().openScope();
        linearization.parameters().forEach((name, shape) -> {
            for (Map<String, Tensor> tensors : List.of(vector, product)) {
                Tensor tensor = scope.allocate(shape.prepend(1), linearization.dtype());
                backpack.backend().elementwise().fill(tensor, tensors == vector ? 1 : 0);
                tensors.put(name, tensor);
            }
        });
    }

    /** What can be multiplied with. */
    static List<String> names() {
        return List.copyOf(MATRICES.keySet());
    }

    private static Map<String, CurvatureMatrix> matrices() {
        Map<String, CurvatureMatrix> matrices = new LinkedHashMap<>();
        matrices.put("ggn", new CurvatureMatrix.GaussNewton());
        matrices.put("hessian", new CurvatureMatrix.Hessian());
        matrices.put("pch_clip", new CurvatureMatrix.PositiveCurvature(Projection.CLIP));
        matrices.put("pch_abs", new CurvatureMatrix.PositiveCurvature(Projection.ABS));
        matrices.put("fisher", new CurvatureMatrix.EmpiricalFisher());
        return matrices;
    }

    private static CurvatureMatrix matrix(String name) {
        CurvatureMatrix matrix = MATRICES.get(name);
        if (matrix == null) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "--products names '%s', which is not a matrix. Possible: %s."
                            .formatted(name, String.join(", ", MATRICES.keySet())));
        }
        return matrix;
    }

    /** The names, for completion. */
    static final class Names implements Iterable<String> {

        @Override
        public Iterator<String> iterator() {
            return names().iterator();
        }
    }

    /** One product with each. Reading a number waits for backends that work in the background. */
    List<Runnable> works() {
        Tensor first = product.values().iterator().next();
        return wanted.stream()
                .<Runnable>map(matrix -> () -> {
                    linearization.multiply(matrix, 1, vector, product);
                    first.read(0, new double[1], 0, 1);
                })
                .toList();
    }

    @Override
    public void close() {
        scope.close();
        linearization.close();
    }
}
