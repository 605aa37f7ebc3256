// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.NanPolicy;
import io.backpack4j.kernel.Plan.ResultType;
import io.backpack4j.kernel.ResultTaker;
import io.backpack4j.kernel.RunOperands;
import io.backpack4j.kernel.internal.evaluation.PassInputs;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.kernel.internal.layout.Splitting;
import io.backpack4j.kernel.internal.linearization.LinearizedBatch;
import io.backpack4j.kernel.internal.linearization.NetworkProducts;
import io.backpack4j.kernel.internal.pass.FiniteCheck;
import io.backpack4j.kernel.internal.pass.PassResults;
import io.backpack4j.kernel.internal.pass.PassRun;
import io.backpack4j.kernel.internal.pass.StepCounter;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.BlockProduct;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * A pass, with everything that it does to its results before they are the caller's, and products of those that its
 * results offer.
 *
 * @param layout the pass
 * @param nanPolicy which results are looked at
 */
record PassRehearsal(PassLayout layout, NanPolicy nanPolicy) implements Rehearsal {

    @Override
    public RunOperands operands(Backend backend, TensorScope scope) {
        return layout.operands().zeros(backend, scope);
    }

    @Override
    public boolean keepsBlocks() {
        return layout.pairs().meetItself();
    }

    @Override
    public Outcome run(
            Backend backend, PassInputs inputs, Splitting splitting, Predicate<String> products, Runnable made) {
        // Products of a batch that is taken as a whole keep it evaluated.
        StepCounter counter = new StepCounter(layout.matrices().isEmpty() ? made : () -> {});
        PassInputs counted = inputs.watchedBy(counter);
        SortedMap<String, ResultType> types = new TreeMap<>();
        Set<String> handedOver = new HashSet<>();
        FiniteCheck finiteCheck = new FiniteCheck(nanPolicy, backend, layout);
        ResultTaker taker = (name, whole, origin, part) -> {
            finiteCheck.isFinite(Map.of(name, part));
            PassResults.settle(part);
            types.put(name, new ResultType(part.dtype(), whole));
            handedOver.add(name);
        };
        try (PassResults results = PassRun.run(layout, splitting, backend, counted, NetworkProducts.FACTORY, taker)) {
            results.tensors().forEach((name, tensor) -> {
                types.put(name, new ResultType(tensor.dtype(), tensor.shape()));
            });
            finiteCheck.isFinite(results.tensors());
            results.settle();
            long columns = Math.min(LinearizedBatch.MANY_COLUMNS, splitting.blockColumns());
            SortedMap<String, BlockProduct> tried = new TreeMap<>(results.products());
            tried.keySet().removeIf(products.negate());
            Optional<String> heaviest = multiply(backend, tried, columns);
            SortedMap<String, Shape> offered = new TreeMap<>();
            results.products().forEach((name, product) -> offered.put(name, product.parameter()));
            boolean multiplies = !layout.matrices().isEmpty() || layout.hasDiagonals();
            long widest = Math.max(counter.widestColumns(), multiplies ? LinearizedBatch.MANY_COLUMNS : 1);
            return new Outcome(
                    types,
                    handedOver,
                    offered,
                    heaviest,
                    widest,
                    counter.steps(),
                    counter.largestSum(),
                    counter.unitProducts(),
                    counter.meetings());
        }
    }

    /**
     * Multiplies with each.
     *
     * @return the last that raised the most memory in use; if the pass before takes more than any, one with the largest
     *     parameter
     */
    private Optional<String> multiply(Backend backend, SortedMap<String, BlockProduct> products, long columns) {
        Optional<String> heaviest = products.entrySet().stream()
                .max(Comparator.comparingLong(
                        product -> product.getValue().parameter().elements()))
                .map(Map.Entry::getKey);
        for (Map.Entry<String, BlockProduct> product : products.entrySet()) {
            long before = backend.memory().peakBytes();
            multiply(backend, product.getValue(), columns);
            if (backend.memory().peakBytes() > before) {
                heaviest = Optional.of(product.getKey());
            }
        }
        return heaviest;
    }

    private void multiply(Backend backend, BlockProduct product, long columns) {
        try (TensorScope scope = backend.openScope()) {
            Tensor vectors = scope.allocate(product.parameter().prepend(columns), layout.dtype());
            backend.elementwise().fill(vectors, 0);
            product.multiply(scope, vectors);
        }
    }
}
