// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.session;

import io.backpack4j.kernel.internal.layout.AccumulatorKey;
import io.backpack4j.kernel.internal.layout.GroupKey;
import io.backpack4j.kernel.internal.layout.NodeKey;
import io.backpack4j.kernel.internal.layout.NodeLayout;
import io.backpack4j.kernel.internal.layout.PartialKey;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.kernel.internal.layout.SiteLayout;
import io.backpack4j.kernel.internal.layout.SiteRequest;
import io.backpack4j.kernel.internal.pass.MergedPartials;
import io.backpack4j.kernel.internal.pass.PassPartials;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.TreeSet;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * One partial result of a parameter, of a group of them, or of a node. What several requests share is one.
 *
 * @param name unique in a session, and the same whatever the order of requests
 * @param site the parameter; the first of a group; none for a node
 * @param request a request that wants it; none for the gradient
 * @param key that request's key for it
 * @param accumulated what it is of, unless the extension fills it itself
 * @param own its declaration, if the extension fills it itself
 * @param group what it is of, if it is inner products of two signals
 * @param node what it is of, if it is a reduction of a node's outputs
 * @param shape the shape of a parameter or of a node's output
 */
record Slot(
        String name,
        @Nullable SiteLayout site,
        @Nullable SiteRequest request,
        String key,
        @Nullable AccumulatorKey accumulated,
        @Nullable PartialKey own,
        @Nullable GroupKey group,
        @Nullable NodeKey node,
        Shape shape) {

    private Slot(
            String name,
            SiteLayout site,
            @Nullable SiteRequest request,
            String key,
            @Nullable AccumulatorKey accumulated,
            @Nullable PartialKey own) {
        this(name, site, request, key, accumulated, own, null, null, site.shape());
    }

    private Slot(String name, SiteLayout site, SiteRequest request, String key, GroupKey group) {
        this(name, site, request, key, null, null, group, null, site.shape());
    }

    private Slot(String name, NodeKey node, Shape output) {
        this(name, null, null, "", null, null, null, node, output);
    }

    /** Lists the slots of a layout. */
    static List<Slot> of(PassLayout layout) {
        List<Slot> slots = new ArrayList<>();
        Map<GroupKey, Slot> groups = new LinkedHashMap<>();
        for (SiteLayout site : layout.sites()) {
            AccumulatorKey gradient = site.accumulators().get(0);
            Map<AccumulatorKey, Slot> shared = new HashMap<>();
            shared.put(gradient, new Slot(site.parameter() + "/grad", site, null, "grad", gradient, null));
            slots.add(shared.get(gradient));
            List<SiteRequest> requests = site.requests().stream()
                    .sorted(Comparator.comparing(request -> request.request().name()))
                    .toList();
            for (SiteRequest request : requests) {
                String prefix =
                        "%s/%s/".formatted(site.parameter(), request.request().name());
                request.accumulated().forEach((key, wanted) -> {
                    AccumulatorKey accumulated = site.source(wanted);
                    if (!shared.containsKey(accumulated)) {
                        Slot slot = new Slot(prefix + key, site, request, key, accumulated, null);
                        shared.put(accumulated, slot);
                        slots.add(slot);
                    }
                });
                request.partials()
                        .forEach((key, own) -> slots.add(new Slot(prefix + key, site, request, key, null, own)));
                request.pairs().forEach((key, pair) -> {
                    GroupKey alone = new GroupKey(pair, List.of(site.parameter()));
                    groups.putIfAbsent(alone, new Slot(prefix + key, site, request, key, alone));
                });
                Map<String, GroupKey> own = layout.groups(request.request());
                request.groups().keySet().forEach(name -> {
                    GroupKey group = Objects.requireNonNull(own.get(name));
                    String slotName = "*/%s/%s".formatted(request.request().name(), name);
                    groups.putIfAbsent(group, new Slot(slotName, site, request, name, group));
                });
            }
        }
        slots.addAll(groups.values());
        layout.observed().forEach(observed -> slots.addAll(ofNode(observed)));
        return slots;
    }

    /** Lists what is observed of a node, by the names of those who want it. */
    private static Collection<Slot> ofNode(NodeLayout observed) {
        Map<NodeKey, Slot> slots = new LinkedHashMap<>();
        observed.wanted().entrySet().stream()
                .sorted(Comparator.comparing(wanted -> wanted.getKey().name()))
                .forEach(wanted -> new TreeSet<>(wanted.getValue().keySet()).forEach(key -> {
                    NodeKey node = observed.key(wanted.getKey(), key);
                    String name = "*/%s/%s/%s"
                            .formatted(wanted.getKey().name(), observed.node().name(), key);
                    slots.putIfAbsent(node, new Slot(name, node, observed.node().output()));
                }));
        return slots.values();
    }

    /** Whose it is, for messages. */
    String described() {
        return site == null
                ? "node '%s' with outputs of shape %s"
                        .formatted(Objects.requireNonNull(node).node(), shape)
                : "parameter '%s' of shape %s".formatted(site.parameter(), shape);
    }

    /** Whether it is the sum of a parameter's gradients. */
    boolean isGradient() {
        return request == null && node == null;
    }

    MergeRule rule() {
        if (node != null) {
            return node.reduction().rule();
        }
        if (group != null) {
            return group.pair().rule();
        }
        return accumulated != null
                ? accumulated.rule()
                : Objects.requireNonNull(own).rule();
    }

    /** The type of its numbers in passes of a type. */
    DType type(DType dtype) {
        return accumulated == null ? dtype : accumulated.contraction().resultType(dtype);
    }

    /** Degree in the loss's factor, if it is known. */
    OptionalDouble degree() {
        if (node != null) {
            return OptionalDouble.of(0);
        }
        if (group != null) {
            return OptionalDouble.of(group.pair().degree());
        }
        return accumulated != null
                ? OptionalDouble.of(accumulated.degree())
                : Objects.requireNonNull(own).degree();
    }

    /** By what it is multiplied for a factor of the loss, its squares, if it is moments, by the square of that. */
    double factor(double normaliser) {
        double degree = degree().orElse(0);
        return Math.pow(normaliser, rule() == MergeRule.MOMENTS ? degree / 2 : degree);
    }

    /** The axis of samples of a partial result that has one. */
    int sampleAxis() {
        if (accumulated != null) {
            return accumulated.contraction().sampleAxis();
        }
        return rule() == MergeRule.PER_COLUMN_AND_SAMPLE ? 1 : 0;
    }

    /** Finds its tensors in a pass. */
    PassPartials.Value in(PassPartials pass) {
        if (node != null) {
            return pass.value(node);
        }
        if (group != null) {
            return pass.value(group);
        }
        String parameter = Objects.requireNonNull(site).parameter();
        return request == null ? pass.gradient(parameter) : pass.value(parameter, request.request(), key);
    }

    /** Hands merged tensors over to be made results of. */
    void set(MergedPartials merged, List<Tensor> tensors, long count) {
        if (node != null) {
            merged.set(node, tensors.get(0));
        } else if (group != null) {
            merged.set(group, tensors.get(0));
        } else if (accumulated != null) {
            merged.set(Objects.requireNonNull(site), accumulated, tensors, count);
        } else {
            merged.set(Objects.requireNonNull(site), Objects.requireNonNull(request), key, tensors.get(0));
        }
    }

    /** Whether it can have a shape; how many columns its signal has is only known from the first batch on. */
    boolean admits(Shape actual, long samples) {
        if (node != null) {
            return actual.equals(shape);
        }
        if (group != null) {
            return actual.rank() == 3 && actual.size(0) == samples;
        }
        return LongStream.concat(LongStream.of(1), LongStream.of(actual.toArray()))
                .anyMatch(columns -> shape(columns, samples).equals(actual));
    }

    /** Whether its signals have one column each, whatever the batch. */
    boolean hasOneColumn() {
        if (group != null) {
            return group.pair().left() instanceof LossGradient && group.pair().right() instanceof LossGradient;
        }
        return accumulated != null
                ? accumulated.signal() instanceof LossGradient
                : own == null || own.signal() instanceof LossGradient;
    }

    /** Its shape, given how many columns its signals have. */
    Shape shape(long columns, long samples) {
        if (node != null) {
            return shape;
        }
        if (group != null) {
            return group.pair().products().shape(columns, columns, samples);
        }
        if (accumulated == null) {
            return Objects.requireNonNull(own).shape(columns, samples);
        }
        Contraction contraction = accumulated.contraction();
        return contraction.shapes(columns, samples, shape).get(0);
    }
}
