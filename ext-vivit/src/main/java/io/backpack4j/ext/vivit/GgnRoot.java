// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.vivit;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.LossHessianRoot;
import io.backpack4j.spi.extension.LossSignal;
import io.backpack4j.spi.extension.NetworkPartial;
import io.backpack4j.spi.extension.ParameterGroups;
import io.backpack4j.spi.extension.SampledLossGradient;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.Subsampling;
import io.backpack4j.spi.module.CrossInnerProducts;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Which GGN: Ĝ = (1/N_ggn) Σ_n G_n over some samples, G_n being that of sample n's own loss as the reduction {@code
 * mean} takes it, in blocks of groups of parameters. All of its blocks are known by Gram matrices of a root's columns.
 *
 * @param groups the blocks
 * @param subsampling the positions in the batch that are taken, from 0 on, repetitions allowed; all if empty
 * @param mcSamples how many targets are drawn per sample; 0 for the exact root of the loss's Hessian
 */
public record GgnRoot(ParameterGroups groups, Optional<List<Integer>> subsampling, int mcSamples) {

    private static final String GRAM = "gram/";
    private static final String SLOPES = "slopes/";
    private static final String WEIGHTS = "weights/";

    /** Checks and copies. */
    public GgnRoot {
        subsampling = Subsampling.checked("the GGN", "subsampling", subsampling);
        if (mcSamples < 0) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "The number of Monte-Carlo samples is %d, but must be at least 1, or 0 for the exact root."
                            .formatted(mcSamples));
        }
    }

    /** The exact GGN of all samples and all parameters. */
    public GgnRoot() {
        this(ParameterGroups.ALL, Optional.empty(), 0);
    }

    /** The same in other blocks. */
    public GgnRoot in(ParameterGroups others) {
        return new GgnRoot(others, subsampling, mcSamples);
    }

    /** The same of some samples. */
    public GgnRoot ofSamples(List<Integer> positions) {
        return new GgnRoot(groups, Optional.of(positions), mcSamples);
    }

    /** A Monte-Carlo version. */
    public GgnRoot drawn(int samples) {
        return new GgnRoot(groups, subsampling, samples);
    }

    LossSignal signal() {
        return mcSamples == 0 ? new LossHessianRoot() : new SampledLossGradient(mcSamples);
    }

    /** How many samples it is of. */
    long samples(long all) {
        return subsampling.map(list -> (long) list.size()).orElse(all);
    }

    /** The position in the batch of one of its samples. */
    int position(int sample) {
        return subsampling.map(list -> list.get(sample)).orElse(sample);
    }

    /** Asks for the Gram matrix of the parameter's group. Nothing if it is in none. */
    void declareGram(String extension, SiteDeclaration site) {
        Subsampling.requireWithin(extension, "subsampling", subsampling, site.samples());
        groups.of(site.parameter())
                .ifPresent(group -> site.accumulateInGroup(
                        GRAM + group, signal(), signal(), new CrossInnerProducts(false, subsampling, subsampling)));
    }

    /** Asks for the inner products of the root's columns with gradients. */
    void declareSlopes(String extension, SiteDeclaration site, Optional<List<Integer>> gradients) {
        Subsampling.requireWithin(extension, "subsampling_grad", gradients, site.samples());
        groups.of(site.parameter())
                .ifPresent(group -> site.accumulateInGroup(
                        SLOPES + group,
                        signal(),
                        new LossGradient(),
                        new CrossInnerProducts(false, subsampling, gradients)));
    }

    /** The groups that have results, in their order, with what is known of them. */
    List<Group> groups(NetworkPartial partial) {
        Map<String, List<String>> members = groups.members(
                partial.sites().stream().map(SitePartial::parameter).toList());
        List<String> names = List.copyOf(members.keySet());
        return names.stream()
                .map(name -> new Group(
                        partial,
                        this,
                        names.indexOf(name),
                        WEIGHTS + name,
                        GRAM + name,
                        SLOPES + name,
                        parameters(partial, name)))
                .toList();
    }

    private long parameters(NetworkPartial partial, String group) {
        return partial.sites().stream()
                .filter(site -> groups.of(site.parameter()).equals(Optional.of(group)))
                .mapToLong(site -> site.shape().elements())
                .sum();
    }

    /** What a signal of a group's own is called. */
    String weights(String parameter) {
        return WEIGHTS + groups.of(parameter).orElseThrow();
    }
}
