// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.internal.calls.Part;
import io.backpack4j.kernel.internal.calls.PluginCalls;
import io.backpack4j.kernel.internal.layout.SiteRequest;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.LossHessianRoot;
import io.backpack4j.spi.extension.LossSignal;
import io.backpack4j.spi.extension.SampledLossGradient;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.loss.Loss;
import java.util.Collection;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * Whether anybody asks for the Gauss-Newton matrix of a loss whose Hessian by the output is zero. An answer of zeros
 * would be right, and would mislead. Hessians of the network take the loss's part, which is zero, and the other nodes'
 * parts, which are not, or not everywhere.
 */
final class GaussNewtonChecks {

    private GaussNewtonChecks() {}

    /** Reports extensions. */
    static void reportRequests(Loss loss, Collection<SiteRequest> requests, Problems problems) {
        advice(loss).ifPresent(advice -> {
            Set<String> types = new TreeSet<>();
            for (SiteRequest request : requests) {
                if (isGaussNewton(request)) {
                    types.add(request.request().extension().type());
                }
            }
            types.forEach(type -> report(loss, type + " is", advice, problems));
        });
    }

    /** Reports matrices that a linearisation is asked for. */
    static void reportMatrices(Loss loss, Set<CurvatureMatrix> matrices, Problems problems) {
        advice(loss).ifPresent(advice -> {
            if (matrices.stream().anyMatch(CurvatureMatrix::isZeroWithLossHessian)) {
                report(loss, "Products with the Gauss-Newton matrix are", advice, problems);
            }
        });
    }

    private static Optional<String> advice(Loss loss) {
        return PluginCalls.call(Part.of(loss), "as it said what to use", loss::insteadOfGaussNewton);
    }

    private static void report(Loss loss, String who, String advice, Problems problems) {
        problems.add(
                CommonProblems.UNSUPPORTED_LOSS,
                "%s made of the Hessian of the loss by the network's output, but that of %s is zero wherever it exists. %s"
                        .formatted(who, loss.type(), advice));
    }

    private static boolean isGaussNewton(SiteRequest request) {
        Stream<Signal> accumulated = request.accumulated().values().stream().map(key -> key.signal());
        Stream<Signal> visited = request.visits().values().stream().flatMap(Set::stream);
        boolean columns = !request.wantsResidual()
                && !request.residualIsZero()
                && Stream.concat(accumulated, visited)
                        .anyMatch(signal -> signal instanceof LossSignal && !(signal instanceof LossGradient));
        boolean meets = request.allPairs()
                .flatMap(pair -> Stream.of(pair.left(), pair.right()))
                .anyMatch(signal -> signal instanceof LossHessianRoot || signal instanceof SampledLossGradient);
        return columns
                || meets
                || Stream.concat(request.products().values().stream(), request.diagonals().values().stream())
                        .anyMatch(CurvatureMatrix::isZeroWithLossHessian);
    }
}
