// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.privacy;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.extension.NetworkExtension;
import io.backpack4j.spi.extension.NetworkPartial;
import io.backpack4j.spi.extension.ParameterGroups;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.HashMap;
import java.util.Map;

/**
 * The sum of clipped gradients, Σ_n min(1, max_norm/‖v_n‖) v_n, {@code *p} and not divided by anything, where v_n is
 * the gradient of sample n's loss: N g_n for the reduction {@code mean}, g_n for {@code sum}. M. Abadi et al. (2016),
 * "Deep learning with differential privacy", algorithm 1, before the noise. The network's result has the norms ‖v_n‖
 * over all parameters of the request, {@code [N]}. Of two walks, without gradients of single samples.
 *
 * @param maxNorm the largest norm that is left alone, of every group
 * @param groups the parameters whose norms are taken together: all by default. Parameters in no group are left out.
 */
public record ClippedGrad(double maxNorm, ParameterGroups groups)
        implements TensorExtension, NetworkExtension<Tensor, Tensor> {

    private static final String NORMS = "norms";

    /**
     * Checks.
     *
     * @throws BackpackException if the norm is not above 0
     */
    public ClippedGrad {
        requireNorm("max_norm", maxNorm);
    }

    /** By the norm over all parameters. */
    public ClippedGrad(double maxNorm) {
        this(maxNorm, ParameterGroups.ALL);
    }

    /** {@code max_norm}, and {@code per_layer} or {@code groups}. */
    static ClippedGrad of(Arguments options) {
        ParameterGroups groups = ParameterGroups.of(options);
        if (options.flag("per_layer", false)) {
            if (options.has("groups") && !groups.equals(ParameterGroups.LAYER)) {
                throw new BackpackException(
                        CommonProblems.INVALID_ARGUMENT,
                        "ClippedGrad has per_layer=true and groups=%s. Take one of them."
                                .formatted(options.value("groups")));
            }
            groups = ParameterGroups.LAYER;
        }
        return new ClippedGrad(options.number("max_norm", 1), groups);
    }

    /** Fails unless a norm is above 0 and finite. */
    static void requireNorm(String name, double norm) {
        if (!(norm > 0) || Double.isInfinite(norm)) {
            throw new BackpackException(
                    PrivacyProblems.INVALID_PRIVACY,
                    "Argument '%s' is %s, but must be a number above 0.".formatted(name, norm));
        }
    }

    @Override
    public String resultName() {
        return "clipped_grad";
    }

    @Override
    public int stages() {
        return 2;
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        groups.of(site.parameter()).ifPresent(group -> {
            if (stage == 1) {
                SampleNorms.declareFirst(site, group, false);
            } else {
                SampleNorms.declareSecond(site, this, group);
            }
        });
    }

    @Override
    public Map<String, Tensor> fold(int stage, NetworkPartial partial) {
        if (stage == 2) {
            return Map.of();
        }
        var ops = partial.backend().elementwise();
        double factor = SampleNorms.factor(partial);
        Shape samples = Shape.of(partial.samples());
        Tensor total = partial.scope().allocate(samples, partial.dtype());
        Tensor one = partial.scope().allocate(Shape.of(), partial.dtype());
        ops.fill(total, 0);
        ops.fill(one, 1);
        Map<String, Tensor> folded = new HashMap<>();
        SampleNorms.members(partial, groups).forEach((group, parameters) -> {
            Tensor norms = SampleNorms.squares(partial, parameters);
            ops.addScaled(1, norms, total);
            Tensor weights = partial.scope().allocate(Shape.of(1, 1, partial.samples()), partial.dtype());
            Tensor flat = partial.scope().view(weights, samples);
            ops.apply(UnaryOperation.SQRT, norms, norms);
            ops.apply(UnaryOperation.RECIPROCAL, norms, flat);
            // min(1, maxNorm / (factor ‖g‖)) · factor; 1/0 is infinite, so that a gradient of zero is left alone.
            ops.affine(flat, maxNorm / factor, 0, flat);
            ops.combine(BinaryOperation.MINIMUM, flat, one, flat);
            ops.affine(flat, factor, 0, flat);
            folded.put(SampleNorms.weights(group), weights);
        });
        ops.apply(UnaryOperation.SQRT, total, total);
        ops.affine(total, factor, 0, total);
        folded.put(NORMS, total);
        return folded;
    }

    @Override
    public Tensor operand(String name, SitePartial site) {
        return site.folded(name);
    }

    @Override
    public Tensor finish(SitePartial partial) {
        return SampleNorms.sum(partial);
    }

    @Override
    public Tensor finishNetwork(NetworkPartial partial) {
        return partial.folded(NORMS);
    }

    @Override
    public Map<String, Tensor> exportNetworkResult(Tensor result) {
        return Map.of(NORMS, result);
    }
}
