// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.influence;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.Problem;
import io.backpack4j.spi.extension.CurvatureBlock;
import io.backpack4j.spi.extension.CurvatureExtension;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Inverses of blocks, one per parameter. */
final class BlockInverse implements InverseCurvature {

    private final Map<String, CurvatureBlock> inverses;
    private final TensorScope scope;

    private BlockInverse(Map<String, CurvatureBlock> inverses, TensorScope scope) {
        this.inverses = inverses;
        this.scope = scope;
    }

    static <R> BlockInverse fit(
            BackPack backpack,
            Model model,
            CurvatureExtension<R> extension,
            double damping,
            TrainingData data,
            SessionOptions options) {
        TensorScope scope = backpack.backend().openScope();
        try (Session session = backpack.session(model, List.of(Request.of(extension)), options)) {
            for (int number = 0; number < data.count(); number++) {
                try (Batch batch = data.upload(number)) {
                    session.add(batch);
                }
            }
            Map<String, CurvatureBlock> inverses = new LinkedHashMap<>();
            try (Results results = session.results()) {
                for (String parameter : model.parameters().trainable()) {
                    Map<String, Tensor> tensors = extension.export(results.get(extension, parameter));
                    var spec = model.parameters().spec(parameter);
                    var site =
                            new CurvatureExtension.Site(backpack.backend(), parameter, spec.shape(), spec.kronecker());
                    inverses.put(parameter, inverse(scope, extension.blockOf(site, tensors), parameter, damping));
                }
            }
            return new BlockInverse(inverses, scope);
        } catch (RuntimeException | Error e) {
            scope.close();
            throw e;
        }
    }

    private static CurvatureBlock inverse(TensorScope scope, CurvatureBlock block, String parameter, double damping) {
        try {
            return block.dampedInverse(scope, damping);
        } catch (BackpackException e) {
            Problem first = e.problems().get(0);
            throw new BackpackException(
                    first.id(),
                    "The curvature of parameter '%s' cannot be inverted. %s".formatted(parameter, first.message()),
                    e);
        }
    }

    @Override
    public Map<String, Tensor> solve(TensorScope target, Map<String, Tensor> vectors) {
        Map<String, Tensor> solved = new LinkedHashMap<>();
        vectors.forEach((parameter, own) -> solved.put(
                parameter,
                Objects.requireNonNull(inverses.get(parameter), parameter).multiply(target, own)));
        return solved;
    }

    @Override
    public void close() {
        scope.close();
    }
}
