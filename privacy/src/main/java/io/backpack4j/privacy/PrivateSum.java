// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.privacy;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Region;
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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The clipped sum of a step of {@link DpSgd}: as {@link ClippedGrad}, but with bounds that may change from step to step
 * without a new plan, samples that do not count, and samples that are clipped together.
 *
 * @param samples N
 * @param groupCount how many groups of parameters there are
 * @param groups the parameters whose norms are taken together
 * @param together whether samples that belong together are clipped by the norm of their sum
 */
record PrivateSum(long samples, int groupCount, ParameterGroups groups, boolean together)
        implements TensorExtension, NetworkExtension<Tensor, PrivateSum.Norms> {

    /** Operand: the bounds, {@code [groups]}. */
    static final String BOUNDS = "clipping_bounds";

    /** Operand: 1 for samples that count, {@code [N]}. */
    static final String COUNTED = "counted_samples";

    /** Operand: 1 where two samples belong together, {@code [N, N]}. */
    static final String BELONGS = "samples_that_belong_together";

    /**
     * What became of the samples.
     *
     * @param perGroup ‖v_n‖ by group, {@code [N]} each
     * @param mean whether the loss is a mean
     * @param weight N c: what a sample's loss is multiplied by in a mean of its own; 1 for plain means
     */
    record Norms(Map<String, Tensor> perGroup, boolean mean, double weight) {}

    @Override
    public String resultName() {
        return "private_sum";
    }

    @Override
    public int stages() {
        return 2;
    }

    @Override
    public Map<String, Shape> networkOperands() {
        Map<String, Shape> operands = new HashMap<>();
        operands.put(BOUNDS, Shape.of(groupCount));
        operands.put(COUNTED, Shape.of(samples));
        if (together) {
            operands.put(BELONGS, Shape.of(samples, samples));
        }
        return operands;
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        groups.of(site.parameter()).ifPresent(group -> {
            if (stage == 1) {
                SampleNorms.declareFirst(site, group, together);
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
        Tensor bounds = partial.operand(BOUNDS);
        Map<String, Tensor> folded = new HashMap<>();
        Tensor one = partial.scope().allocate(Shape.of(), partial.dtype());
        ops.fill(one, 1);
        int index = 0;
        for (Map.Entry<String, List<String>> group :
                SampleNorms.members(partial, groups).entrySet()) {
            Tensor norms = together
                    ? SampleNorms.squares(partial, group.getKey(), partial.operand(BELONGS))
                    : SampleNorms.squares(partial, group.getValue());
            ops.apply(UnaryOperation.SQRT, norms, norms);
            ops.affine(norms, factor, 0, norms);
            Tensor bound = partial.scope().allocate(Shape.of(1), partial.dtype());
            partial.backend()
                    .indexing()
                    .extract(bounds, Region.all(bounds.shape()).with(0, index, 1), bound);
            Tensor weights = partial.scope().allocate(Shape.of(1, 1, samples), partial.dtype());
            Tensor flat = partial.scope().view(weights, norms.shape());
            ops.combine(BinaryOperation.DIVIDE, bound, norms, flat);
            ops.combine(BinaryOperation.MINIMUM, flat, one, flat);
            ops.affine(flat, factor, 0, flat);
            ops.combine(BinaryOperation.MULTIPLY, flat, partial.operand(COUNTED), flat);
            folded.put(SampleNorms.weights(group.getKey()), weights);
            folded.put(norms(group.getKey()), norms);
            index++;
        }
        return folded;
    }

    private static String norms(String group) {
        return "norms/" + group;
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
    public Norms finishNetwork(NetworkPartial partial) {
        Map<String, Tensor> perGroup = new LinkedHashMap<>();
        SampleNorms.members(partial, groups)
                .forEach((group, parameters) -> perGroup.put(group, partial.folded(norms(group))));
        return new Norms(perGroup, SampleNorms.isMean(partial), partial.meanNormaliser() * partial.samples());
    }

    @Override
    public Map<String, Tensor> exportNetworkResult(Norms result) {
        Map<String, Tensor> named = new LinkedHashMap<>();
        result.perGroup().forEach((group, norms) -> named.put("norms/" + group, norms));
        return named;
    }
}
