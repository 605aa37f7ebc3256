// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.internal.layout.AccumulatorKey;
import io.backpack4j.kernel.internal.layout.DeclaredOperand;
import io.backpack4j.kernel.internal.layout.PairKey;
import io.backpack4j.kernel.internal.layout.PartialKey;
import io.backpack4j.kernel.internal.layout.SiteRequest;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.extension.CondensedSignal;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.ResidualCurvature;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.CrossInnerProducts;
import io.backpack4j.spi.module.KroneckerSizes;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.module.Operand;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.Shape;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Supplier;

/** Writes down what an extension declares at a site, stage by stage. */
final class DeclarationCollector implements SiteDeclaration {

    private final String parameter;
    private final Shape shape;
    private final Optional<KroneckerSizes> kronecker;
    private final OptionalLong lookups;
    private final long samples;
    private final Map<String, AccumulatorKey> accumulated = new LinkedHashMap<>();
    private final Map<String, PartialKey> partials = new LinkedHashMap<>();
    private final Map<Integer, Set<Signal>> visits = new HashMap<>();
    private final Map<String, CurvatureMatrix> products = new LinkedHashMap<>();
    private final Map<String, PairKey> pairs = new LinkedHashMap<>();
    private final Map<String, PairKey> groups = new LinkedHashMap<>();
    private final Map<String, DeclaredOperand> operands = new LinkedHashMap<>();
    private final Map<String, CurvatureMatrix> diagonals = new LinkedHashMap<>();
    private final Supplier<CurvatureProbe.Above> above;
    private boolean residualIsZero;
    private int stage;

    private DeclarationCollector(
            String parameter, ParameterSpec spec, long samples, Supplier<CurvatureProbe.Above> above) {
        this.above = above;
        this.parameter = parameter;
        this.shape = spec.shape();
        this.kronecker = spec.kronecker();
        this.lookups = spec.lookups();
        this.samples = samples;
    }

    /** @param above says what nodes above the parameter add to the Hessian; asked only if needed */
    static SiteRequest collect(
            Request<?> request,
            String parameter,
            ParameterSpec spec,
            long samples,
            Supplier<CurvatureProbe.Above> above) {
        DeclarationCollector collector = new DeclarationCollector(parameter, spec, samples, above);
        for (int stage = 1; stage <= request.extension().stages(); stage++) {
            collector.stage = stage;
            request.extension().declare(stage, collector);
        }
        return new SiteRequest(
                request,
                collector.accumulated,
                collector.partials,
                collector.visits,
                collector.products,
                collector.pairs,
                collector.groups,
                collector.operands,
                collector.diagonals,
                collector.residualIsZero);
    }

    @Override
    public String parameter() {
        return parameter;
    }

    @Override
    public Shape shape() {
        return shape;
    }

    @Override
    public Optional<KroneckerSizes> kronecker() {
        return kronecker;
    }

    @Override
    public OptionalLong lookups() {
        return lookups;
    }

    @Override
    public long samples() {
        return samples;
    }

    @Override
    public void accumulate(String key, Signal signal, Contraction contraction) {
        requireNew(key);
        if (signal instanceof ResidualCurvature && !contraction.acceptsWeights()) {
            throw new BackpackException(
                    CommonProblems.INVALID_DECLARATION,
                    "Partial result '%s' is %s of the signal '%s', whose columns are weighted and come from several nodes. Use SumOfSquares, SumOfSquaresPerSample or Trace."
                            .formatted(key, contraction, signal.name()));
        }
        if (contraction instanceof Contraction.LookedUpIds && !signal.equals(new LossGradient())) {
            throw new BackpackException(
                    CommonProblems.INVALID_DECLARATION,
                    "Partial result '%s' is ids of rows, of signal '%s'. Ask for them with LossGradient: they depend on no signal and are made once."
                            .formatted(key, signal.name()));
        }
        if (contraction.isOfOneSide() && contraction.power() == 0 && !signal.equals(new LossGradient())) {
            throw new BackpackException(
                    CommonProblems.INVALID_DECLARATION,
                    "Partial result '%s' is an input factor of signal '%s'. Ask for it with LossGradient: it depends on no signal and is made once."
                            .formatted(key, signal.name()));
        }
        accumulated.put(key, new AccumulatorKey(stage, signal, contraction));
    }

    @Override
    public void accumulate(String key, Signal left, Signal right, CrossInnerProducts wanted) {
        requireNew(key);
        pairs.put(key, pair(left, right, wanted));
    }

    @Override
    public void accumulateInGroup(String group, Signal left, Signal right, CrossInnerProducts wanted) {
        if (groups.put(group, pair(left, right, wanted)) != null) {
            throw new BackpackException(
                    CommonProblems.INVALID_DECLARATION,
                    "Parameter '%s' names the group '%s' twice. Use another group for other inner products."
                            .formatted(parameter, group));
        }
    }

    private PairKey pair(Signal left, Signal right, CrossInnerProducts wanted) {
        for (Signal signal : List.of(left, right)) {
            if (signal instanceof ResidualCurvature || signal instanceof CondensedSignal) {
                throw new BackpackException(
                        CommonProblems.INVALID_DECLARATION,
                        "Inner products are wanted of the signal '%s', whose columns are no gradients of single samples. Use LossGradient or a root of the loss's Hessian."
                                .formatted(signal.name()));
            }
        }
        wanted.leftSubsampling().ifPresent(this::requireWithin);
        wanted.rightSubsampling().ifPresent(this::requireWithin);
        return new PairKey(stage, left, right, wanted);
    }

    private void requireWithin(List<Integer> positions) {
        for (int position : positions) {
            if (position < 0 || position >= samples) {
                throw new BackpackException(
                        CommonProblems.INVALID_ARGUMENT,
                        "Position %d of a sub-sample is not in the batch of %d samples, whose positions are 0 to %d."
                                .formatted(position, samples, samples - 1));
            }
        }
        if (positions.isEmpty()) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "A sub-sample has no positions. Leave it out to have all samples.");
        }
    }

    @Override
    public void partial(String key, Signal signal, MergeRule rule, Shape shapeOfPartial) {
        partial(key, signal, rule, shapeOfPartial, OptionalDouble.empty());
    }

    @Override
    public void partial(String key, Signal signal, MergeRule rule, Shape shapeOfPartial, double degree) {
        partial(key, signal, rule, shapeOfPartial, OptionalDouble.of(degree));
    }

    private void partial(String key, Signal signal, MergeRule rule, Shape shapeOfPartial, OptionalDouble degree) {
        requireNew(key);
        if (rule == MergeRule.MOMENTS) {
            throw new BackpackException(
                    CommonProblems.INVALID_DECLARATION,
                    "Partial result '%s' has the rule MOMENTS, which is for accumulated contractions. Use accumulate with Moments."
                            .formatted(key));
        }
        partials.put(key, new PartialKey(signal, rule, shapeOfPartial, degree));
        visit(signal);
    }

    @Override
    public void visit(Signal signal) {
        if (signal instanceof ResidualCurvature) {
            throw new BackpackException(
                    CommonProblems.INVALID_DECLARATION,
                    "The signal '%s' cannot be visited, because its columns are weighted. Accumulate SumOfSquares, SumOfSquaresPerSample or Trace of it."
                            .formatted(signal.name()));
        }
        visits.computeIfAbsent(stage, absent -> new LinkedHashSet<>()).add(signal);
    }

    @Override
    public void product(String key, CurvatureMatrix matrix) {
        requireNew(key);
        products.put(key, matrix);
    }

    @Override
    public boolean hasResidualCurvature() {
        return above.get() != CurvatureProbe.Above.UNKNOWN;
    }

    @Override
    public boolean residualCurvatureIsZero() {
        residualIsZero = above.get() == CurvatureProbe.Above.ZERO;
        return residualIsZero;
    }

    /** Makes a partial result that no visit fills, of degree 1 as the matrix is. */
    @Override
    public void diagonal(String key, CurvatureMatrix matrix, MergeRule rule) {
        requireNew(key);
        if (rule != MergeRule.SUM && rule != MergeRule.PER_SAMPLE) {
            throw new BackpackException(
                    CommonProblems.INVALID_DECLARATION,
                    "The diagonal '%s' of the %s has the rule %s. Use SUM, or PER_SAMPLE for those of single samples."
                            .formatted(key, matrix.name(), rule));
        }
        if (stage != 1) {
            throw new BackpackException(
                    CommonProblems.INVALID_DECLARATION,
                    "The diagonal '%s' of the %s is declared in stage %d. Declare it in stage 1: it depends on no other."
                            .formatted(key, matrix.name(), stage));
        }
        partials.put(key, new PartialKey(new LossGradient(), rule, shape, OptionalDouble.of(1)));
        diagonals.put(key, matrix);
    }

    @Override
    public Operand operand(String name, Shape shapeOfOperand) {
        DeclaredOperand present = operands.putIfAbsent(name, new DeclaredOperand(shapeOfOperand, stage));
        if (present != null && !present.shape().equals(shapeOfOperand)) {
            throw new BackpackException(
                    CommonProblems.INVALID_DECLARATION,
                    "Operand '%s' is declared with shape %s and with shape %s. Use another name."
                            .formatted(name, present.shape(), shapeOfOperand));
        }
        return Operand.ofRun(name);
    }

    private void requireNew(String key) {
        if (products.containsKey(key)
                || accumulated.containsKey(key)
                || partials.containsKey(key)
                || pairs.containsKey(key)) {
            throw new BackpackException(
                    CommonProblems.INVALID_DECLARATION,
                    "Partial result '%s' is declared twice. Use another key.".formatted(key));
        }
    }
}
