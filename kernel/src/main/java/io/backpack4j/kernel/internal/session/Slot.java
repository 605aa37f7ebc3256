package io.backpack4j.kernel.internal.session;

import io.backpack4j.kernel.internal.layout.AccumulatorKey;
import io.backpack4j.kernel.internal.layout.GroupKey;
import io.backpack4j.kernel.internal.layout.PartialKey;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.kernel.internal.layout.SiteLayout;
import io.backpack4j.kernel.internal.layout.SiteRequest;
import io.backpack4j.kernel.internal.pass.MergedPartials;
import io.backpack4j.kernel.internal.pass.PassPartials;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * One partial result of a parameter, or of a group of them. What several requests share is one.
 *
 * @param name unique in a session, and the same whatever the order of requests
 * @param site the parameter; the first of a group
 * @param request a request that wants it; none for the gradient
 * @param key that request's key for it
 * @param accumulated what it is of, unless the extension fills it itself
 * @param own its declaration, if the extension fills it itself
 * @param group what it is of, if it is inner products of two signals
 */
record Slot(
        String name,
        SiteLayout site,
        @Nullable SiteRequest request,
        String key,
        @Nullable AccumulatorKey accumulated,
        @Nullable PartialKey own,
        @Nullable GroupKey group) {

    private Slot(
            String name,
            SiteLayout site,
            @Nullable SiteRequest request,
            String key,
            @Nullable AccumulatorKey accumulated,
            @Nullable PartialKey own) {
        this(name, site, request, key, accumulated, own, null);
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
                    groups.putIfAbsent(alone, new Slot(prefix + key, site, request, key, null, null, alone));
                });
                Map<String, GroupKey> own = layout.groups(request.request());
                request.groups().keySet().forEach(name -> {
                    GroupKey group = Objects.requireNonNull(own.get(name));
                    String slotName = "*/%s/%s".formatted(request.request().name(), name);
                    groups.putIfAbsent(group, new Slot(slotName, site, request, name, null, null, group));
                });
            }
        }
        slots.addAll(groups.values());
        return slots;
    }

    MergeRule rule() {
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
        if (group != null) {
            return OptionalDouble.of(group.pair().degree());
        }
        return accumulated != null
                ? OptionalDouble.of(accumulated.degree())
                : Objects.requireNonNull(own).degree();
    }

    /** The axis of samples of a partial result that has one. */
    int sampleAxis() {
        return rule() == MergeRule.PER_COLUMN_AND_SAMPLE ? 1 : 0;
    }

    /** Finds its tensors in a pass. */
    PassPartials.Value in(PassPartials pass) {
        if (group != null) {
            return pass.value(group);
        }
        return request == null ? pass.gradient(site.parameter()) : pass.value(site.parameter(), request.request(), key);
    }

    /** Hands merged tensors over to be made results of. */
    void set(MergedPartials merged, List<Tensor> tensors, long count) {
        if (group != null) {
            merged.set(group, tensors.get(0));
        } else if (accumulated != null) {
            merged.set(site, accumulated, tensors, count);
        } else {
            merged.set(site, Objects.requireNonNull(request), key, tensors.get(0));
        }
    }

    /** Whether it can have a shape; how many columns its signal has is only known from the first batch on. */
    boolean admits(Shape shape, long samples) {
        if (group != null) {
            return shape.rank() == 3 && shape.size(0) == samples;
        }
        return LongStream.concat(LongStream.of(1), LongStream.of(shape.toArray()))
                .anyMatch(columns -> shape(columns, samples).equals(shape));
    }

    private Shape shape(long columns, long samples) {
        if (accumulated == null) {
            return Objects.requireNonNull(own).shape(columns, samples);
        }
        Contraction contraction = accumulated.contraction();
        return contraction.shapes(columns, samples, site.shape()).get(0);
    }
}
