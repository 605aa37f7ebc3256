// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.curvature;

import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.Problem;
import io.backpack4j.spi.extension.CurvatureBlock;
import io.backpack4j.spi.extension.CurvatureExtension;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.training.OptimizerSetup;
import io.backpack4j.training.PassPreparation;
import java.util.Map;
import java.util.function.Supplier;

/**
 * The blocks of all trained parameters that an extension gives.
 *
 * @param <R> its results
 */
record CurvatureSource<R>(OptimizerSetup setup, CurvatureExtension<R> extension) {

    /** Asks for the blocks in a pass. */
    void request(PassPreparation pass) {
        pass.request(Request.of(extension).only(setup.parameters().toArray(String[]::new)));
    }

    /** The block of a parameter, whose tensors are those of the results. */
    CurvatureBlock block(Results results, String parameter) {
        return block(parameter, extension.export(results.get(extension, parameter)));
    }

    /** The block of a parameter, of tensors that {@link CurvatureBlock#tensors} names. */
    CurvatureBlock block(String parameter, Map<String, Tensor> tensors) {
        var spec = setup.model().parameters().spec(parameter);
        return extension.blockOf(
                new CurvatureExtension.Site(setup.backend(), parameter, spec.shape(), spec.kronecker()), tensors);
    }

    /** Does something with the block of a parameter, which errors then name. */
    <T> T at(String parameter, Supplier<T> action) {
        try {
            return action.get();
        } catch (BackpackException e) {
            Problem first = e.problems().get(0);
            throw new BackpackException(
                    first.id(),
                    "The curvature %s of parameter '%s' allows no step. %s"
                            .formatted(extension.type(), parameter, first.message()),
                    e);
        }
    }
}
