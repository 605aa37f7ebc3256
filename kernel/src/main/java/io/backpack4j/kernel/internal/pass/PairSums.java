// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.internal.evaluation.PassObserver;
import io.backpack4j.kernel.internal.layout.GroupKey;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.backend.RegionSums;
import io.backpack4j.spi.extension.GroupDerivation;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.module.CrossInnerProducts;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * The inner products of two signals that a pass has added up so far, over parameters, blocks of columns and chunks of
 * samples. Sums are of type float64 whatever the pass computes in: parameters differ in size by orders of magnitude,
 * and what one of them adds may be what the next takes away.
 */
final class PairSums {

    private static final DType SUM_TYPE = DType.FLOAT64;

    private final Backend backend;
    private final TensorScope scope;
    private final DType dtype;
    private final PassObserver observer;
    private final Map<GroupKey, Tensor> sums = new HashMap<>();
    private final Map<Derived, List<Tensor>> derived = new HashMap<>();

    /** Something that was made of a sum. */
    private record Derived(GroupKey group, GroupDerivation derivation) {}

    /**
     * Derivatives that wait at an open site for those of other signals.
     *
     * @param signal whose columns were pulled back
     * @param step which of them
     * @param repeated whether these columns have passed before, and pass again to meet others
     */
    record Waiting(Signal signal, Step step, boolean repeated, ParameterDerivatives derivatives) {

        /**
         * Whether two of a walk meet for the first time: columns that pass for the first time meet all, others only
         * columns of the same signal in another block.
         */
        boolean meets(Waiting other) {
            return !repeated
                    || !other.repeated
                    || (signal.equals(other.signal)
                            && step.block().fromColumn() != other.step.block().fromColumn());
        }
    }

    /**
     * No sums yet.
     *
     * @param scope owns what is summed
     * @param observer is told of every sum that starts
     */
    PairSums(Backend backend, TensorScope scope, DType dtype, PassObserver observer) {
        this.backend = backend;
        this.scope = scope;
        this.dtype = dtype;
        this.observer = observer;
    }

    Map<GroupKey, Tensor> all() {
        return Collections.unmodifiableMap(sums);
    }

    Tensor of(GroupKey group) {
        return Objects.requireNonNull(sums.get(group), () -> "not accumulated yet: " + group);
    }

    /** What is made of a sum, once however often it is asked for. */
    List<Tensor> derived(GroupKey group, GroupDerivation derivation) {
        Derived key = new Derived(group, derivation);
        List<Tensor> known = derived.get(key);
        if (known == null) {
            known = List.copyOf(derivation.derive(backend, scope, of(group)));
            derived.put(key, known);
        }
        return known;
    }

    /** Takes over what was accumulated elsewhere. */
    void set(GroupKey group, Tensor tensor) {
        sums.put(group, tensor);
    }

    /** Rounds what was summed in a stage to the type of the pass. */
    void complete(int stage) {
        sums.replaceAll((group, sum) -> {
            if (group.pair().stage() != stage || sum.dtype() == dtype) {
                return sum;
            }
            Tensor rounded = scope.allocate(sum.shape(), dtype);
            backend.elementwise().copy(sum, rounded);
            sum.close();
            return rounded;
        });
    }

    /** Adds what two signals have at a parameter of a group. */
    void add(GroupKey group, Waiting left, Waiting right) {
        CrossInnerProducts products = group.pair().products();
        boolean mirrored =
                isOfTwoBlocks(left, right) && products.leftSubsampling().equals(products.rightSubsampling());
        if (mirrored && left.step().block().fromColumn() > right.step().block().fromColumn()) {
            return; // The other way round is its transpose.
        }
        Tensor whole = sum(group, left.step(), right.step());
        Region region = region(whole, products, left.step(), right.step());
        try (TensorScope step = backend.openScope()) {
            Optional<Tensor> contiguous = contiguous(step, whole, region);
            if (contiguous.isPresent() && whole.dtype() == dtype) {
                add(products, left, right, contiguous.get());
                return;
            }
            Tensor part = step.allocate(region.shape(), dtype);
            if (!mirrored && whole.dtype() == dtype) {
                backend.indexing().extract(whole, region, part);
                add(products, left, right, part);
                backend.indexing().insert(part, region, whole);
                return;
            }
            backend.elementwise().fill(part, 0);
            add(products, left, right, part);
            if (contiguous.isPresent()) {
                RegionSums.add(backend, part, contiguous.get());
                return;
            }
            RegionSums.add(backend, part, region, whole);
            if (!mirrored) {
                return;
            }
            int[] axes = products.sameSample() ? new int[] {0, 2, 1} : new int[] {1, 0};
            Region below = region(whole, products, right.step(), left.step());
            Tensor transposed = step.allocate(below.shape(), dtype);
            backend.indexing().permute(part, axes, transposed);
            RegionSums.add(backend, transposed, below, whole);
        }
    }

    private static boolean isOfTwoBlocks(Waiting left, Waiting right) {
        return left.signal().equals(right.signal())
                && left.step().block().fromColumn() != right.step().block().fromColumn();
    }

    private static void add(CrossInnerProducts products, Waiting left, Waiting right, Tensor destination) {
        ParameterDerivatives lefts = selected(left.derivatives(), products.leftSubsampling());
        boolean same = left.equals(right) && products.leftSubsampling().equals(products.rightSubsampling());
        ParameterDerivatives rights = same ? lefts : selected(right.derivatives(), products.rightSubsampling());
        ParameterDerivatives.addInnerProducts(lefts, rights, products.sameSample(), destination);
    }

    private static ParameterDerivatives selected(ParameterDerivatives all, Optional<List<Integer>> positions) {
        return positions.map(all::ofSamples).orElse(all);
    }

    /** A handle on the region where it is all of some rows. */
    private static Optional<Tensor> contiguous(TensorScope scope, Tensor whole, Region region) {
        Shape shape = region.shape();
        if (shape.equals(whole.shape())) {
            return Optional.of(whole);
        }
        long from = region.starts().get(0);
        return shape.dropFirst(1).equals(whole.shape().dropFirst(1))
                ? Optional.of(scope.rows(whole, from, from + shape.size(0)))
                : Optional.empty();
    }

    private Tensor sum(GroupKey group, Step left, Step right) {
        return sums.computeIfAbsent(group, absent -> {
            CrossInnerProducts products = group.pair().products();
            Shape shape = products.shape(left.columns(), right.columns(), left.samples());
            observer.sum(
                    "The %s over %s".formatted(group.pair().described(), group.described()),
                    shape,
                    shape.elements() * SUM_TYPE.bytes());
            Tensor sum = scope.allocate(shape, SUM_TYPE);
            backend.elementwise().fill(sum, 0);
            return sum;
        });
    }

    /**
     * Region where the inner products of two steps stand. Steps are of the whole batch unless every sample meets itself
     * only.
     */
    private static Region region(Tensor whole, CrossInnerProducts products, Step left, Step right) {
        Region all = Region.all(whole.shape());
        if (products.sameSample()) {
            Region columns = all.with(1, left.block().fromColumn(), left.block().columns())
                    .with(2, right.block().fromColumn(), right.block().columns());
            return products.leftSubsampling().isPresent()
                    ? columns
                    : columns.with(0, left.block().fromSample(), left.block().samples());
        }
        long samples = products.leftSamples(left.samples());
        long others = products.rightSamples(right.samples());
        return all.with(0, left.block().fromColumn() * samples, left.block().columns() * samples)
                .with(1, right.block().fromColumn() * others, right.block().columns() * others);
    }
}
