// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.internal.layout.AccumulatorKey;
import io.backpack4j.kernel.internal.layout.GroupKey;
import io.backpack4j.kernel.internal.layout.PairKey;
import io.backpack4j.kernel.internal.layout.PairLayout;
import io.backpack4j.kernel.internal.layout.SiteLayout;
import io.backpack4j.kernel.internal.layout.SiteRequest;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.BlockProduct;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.module.CondensedContraction;
import io.backpack4j.spi.module.KroneckerSizes;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** A site's accumulated results under the keys of one request. */
record SitePartialView(
        SiteState state,
        SiteRequest request,
        long samples,
        double normaliser,
        Map<String, Tensor> foldedTensors,
        Function<GroupKey, Tensor> sums,
        ProductMaker products,
        GivenOperands operands,
        Backend backend,
        TensorScope scope)
        implements SitePartial {

    /** Makes products with blocks of matrices. */
    interface ProductMaker {
        BlockProduct of(CurvatureMatrix matrix, SiteLayout site);
    }

    @Override
    public String parameter() {
        return state.layout().parameter();
    }

    @Override
    public Shape shape() {
        return state.layout().shape();
    }

    @Override
    public Optional<KroneckerSizes> kronecker() {
        return state.layout().kronecker();
    }

    @Override
    public boolean has(String key) {
        return request.partials().containsKey(key)
                || request.pairs().containsKey(key)
                || request.accumulated().containsKey(key);
    }

    @Override
    public Tensor tensor(String key) {
        if (request.partials().containsKey(key)) {
            // Its columns are known since the first visit.
            return state.partial(request, key, 0);
        }
        PairKey pair = request.pairs().get(key);
        if (pair != null) {
            return sums.apply(PairLayout.ofSite(state.layout(), pair));
        }
        AccumulatorKey accumulated = required(key);
        Accumulator accumulator = state.accumulator(accumulated);
        List<Tensor> results = accumulator.results();
        return accumulated
                .condensed(accumulator.key())
                .map(condensed -> condensed(accumulated, condensed, results))
                .orElseGet(() -> unscaled(accumulator));
    }

    private Tensor unscaled(Accumulator accumulator) {
        Tensor result = accumulator.results().get(0);
        if (accumulator.scale() == 1) {
            return result;
        }
        Tensor unscaled = scope.allocate(result.shape(), result.dtype());
        backend.elementwise().affine(result, 1 / accumulator.scale(), 0, unscaled);
        return unscaled;
    }

    /** As it was accumulated, where the pass knew the number of samples. */
    @Override
    public Tensor mean(String key) {
        AccumulatorKey accumulated = request.accumulated().get(key);
        if (accumulated != null && state.accumulator(accumulated).scale() != 1) {
            return state.accumulator(accumulated).results().get(0);
        }
        return SitePartial.super.mean(key);
    }

    private Tensor condensed(AccumulatorKey key, CondensedContraction condensed, List<Tensor> merged) {
        Shape shape = key.contraction().shapes(1, samples, shape()).get(0);
        Tensor result = scope.allocate(shape, merged.get(0).dtype());
        condensed.step().condense(backend, merged, result);
        return result;
    }

    @Override
    public long count(String key) {
        return state.accumulator(required(key)).count();
    }

    @Override
    public Tensor sum(String key) {
        return results(key).get(0);
    }

    @Override
    public Tensor centredSquares(String key) {
        return results(key).get(1);
    }

    @Override
    public BlockProduct product(String key) {
        CurvatureMatrix matrix = request.products().get(key);
        if (matrix == null) {
            throw new BackpackException(
                    KernelProblems.UNKNOWN_PARTIAL,
                    "Extension %s declared no product '%s'. Declared: %s."
                            .formatted(
                                    request.request().extension().type(),
                                    key,
                                    request.products().keySet()));
        }
        return products.of(matrix, state.layout());
    }

    @Override
    public Tensor folded(String name) {
        Tensor tensor = foldedTensors.get(name);
        if (tensor == null) {
            throw new BackpackException(
                    KernelProblems.UNKNOWN_PARTIAL,
                    "Extension %s folded no tensor '%s'. Folded: %s."
                            .formatted(request.request().extension().type(), name, foldedTensors.keySet()));
        }
        return tensor;
    }

    @Override
    public Tensor operand(String name) {
        return operands.of(name, parameter());
    }

    private List<Tensor> results(String key) {
        return state.accumulator(required(key)).results();
    }

    private AccumulatorKey required(String key) {
        AccumulatorKey accumulated = request.accumulated().get(key);
        if (accumulated == null) {
            throw new BackpackException(
                    KernelProblems.UNKNOWN_PARTIAL,
                    "Extension %s declared no partial result '%s'. Declared: %s."
                            .formatted(
                                    request.request().extension().type(),
                                    key,
                                    request.accumulated().keySet()));
        }
        return accumulated;
    }
}
