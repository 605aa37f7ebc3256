// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.embedding;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.module.PullbackTangent;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Optional;

/**
 * Rows of a table, looked up, and perhaps added up over the positions of every sample. It is linear in the table, and
 * what comes in has no derivatives.
 *
 * @param lookup which rows
 * @param table the shape {@code [num, dim]}
 * @param factors how much derivatives of every position count, {@code [N, S, 1]}; nothing for 1
 * @param pooled whether positions are added up, times these factors
 * @param output {@code [N, *, dim]}, or {@code [N, dim]} if pooled
 */
record LookupEvaluation(Lookup lookup, Shape table, Optional<Tensor> factors, boolean pooled, Tensor output)
        implements Evaluation {

    static LookupEvaluation ofRows(EvaluationContext context, Lookup lookup, Tensor weight) {
        Backend backend = context.backend();
        Shape ids = lookup.indices().orElseThrow().shape();
        Tensor output = context.scope().allocate(ids.append(weight.shape().size(1)), weight.dtype());
        try (TensorScope scope = backend.openScope()) {
            gather(backend, scope, lookup, weight, output);
        }
        Optional<Tensor> factors =
                lookup.hasPadding() ? Optional.of(factors(context, lookup, false, weight)) : Optional.empty();
        return new LookupEvaluation(lookup, weight.shape(), factors, false, output);
    }

    static LookupEvaluation ofBags(EvaluationContext context, Lookup lookup, Tensor weight, boolean mean) {
        Tensor output = context.scope()
                .allocate(Shape.of(lookup.samples(), weight.shape().size(1)), weight.dtype());
        Tensor factors = factors(context, lookup, mean, weight);
        try (TensorScope scope = context.backend().openScope()) {
            pool(context.backend(), scope, lookup, factors, weight, output);
        }
        return new LookupEvaluation(lookup, weight.shape(), Optional.of(factors), true, output);
    }

    private static Tensor factors(EvaluationContext context, Lookup lookup, boolean mean, Tensor weight) {
        Shape shape = Shape.of(lookup.samples(), lookup.positions(), 1);
        return context.backend().upload(context.scope(), shape, weight.dtype(), lookup.factors(mean));
    }

    /** Writes the rows of a table {@code [num, dim]}, N · S of them. */
    private static void gather(Backend backend, TensorScope scope, Lookup lookup, Tensor weight, Tensor destination) {
        Tensor indices = scope.view(lookup.indices().orElseThrow(), Shape.of(lookup.count()));
        Shape rows = Shape.of(lookup.count(), weight.shape().size(1));
        backend.indexing().gatherRows(weight, indices, scope.view(destination, rows));
    }

    private static void pool(
            Backend backend, TensorScope scope, Lookup lookup, Tensor factors, Tensor weight, Tensor destination) {
        Tensor rows = scope.allocate(
                Shape.of(lookup.samples(), lookup.positions(), weight.shape().size(1)), weight.dtype());
        gather(backend, scope, lookup, weight, rows);
        backend.elementwise().combine(BinaryOperation.MULTIPLY, rows, factors, rows);
        backend.reductions().reduce(Reduction.SUM, rows, 1, 2, destination);
    }

    @Override
    public Pullback pullback(EvaluationContext context, Tensor cotangents) {
        return new Pullback() {
            @Override
            public Tensor input(int index) {
                throw new IllegalStateException("Integers have no cotangents");
            }

            @Override
            public ParameterDerivatives parameter(String name) {
                return name.equals(Lookup.WEIGHT) ? derivatives(context, cotangents) : Pullback.super.parameter(name);
            }
        };
    }

    private ParameterDerivatives derivatives(EvaluationContext context, Tensor cotangents) {
        Backend backend = context.backend();
        TensorScope scope = context.scope();
        long columns = cotangents.shape().size(0);
        long positions = lookup.positions();
        long length = table.size(1);
        Shape byPosition = Shape.of(columns, lookup.samples(), positions, length);
        Tensor given = scope.view(cotangents, pooled ? byPosition.with(2, 1) : byPosition);
        Tensor rows = given;
        if (factors.isPresent()) {
            rows = scope.allocate(byPosition, cotangents.dtype());
            backend.elementwise().combine(BinaryOperation.MULTIPLY, given, factors.get(), rows);
        }
        return new LookupDerivatives(
                backend, table, lookup, pooled, scope.view(rows, Shape.of(columns, lookup.count(), length)));
    }

    /** The rows of the moving table; those of padding stand still. */
    @Override
    public Tensor pushforward(EvaluationContext context, Tangents tangents) {
        Backend backend = context.backend();
        long columns = tangents.columns();
        Tensor result = context.scope().allocate(output.shape().prepend(columns), output.dtype());
        try (TensorScope scope = backend.openScope()) {
            Tensor tables = tangents.parameter(Lookup.WEIGHT).orElseThrow();
            for (long column = 0; column < columns; column++) {
                Tensor moving = scope.view(scope.rows(tables, column, column + 1), table);
                Tensor target = scope.view(scope.rows(result, column, column + 1), output.shape());
                if (pooled) {
                    pool(backend, scope, lookup, factors.orElseThrow(), moving, target);
                } else {
                    gather(backend, scope, lookup, moving, target);
                }
            }
            if (!pooled && factors.isPresent()) {
                Shape rows = Shape.of(columns, lookup.samples(), lookup.positions(), table.size(1));
                Tensor target = scope.view(result, rows);
                backend.elementwise().combine(BinaryOperation.MULTIPLY, target, factors.get(), target);
            }
        }
        return result;
    }

    @Override
    public PullbackTangent pullbackTangent(EvaluationContext context, Tensor cotangents, Tangents tangents) {
        return PullbackTangent.zero();
    }

    @Override
    public Optional<Curvature> curvature(EvaluationContext context, Tensor cotangents) {
        return Optional.of(Curvature.zero());
    }

    /** Sums of rows of the table. */
    @Override
    public boolean isAffineInParameters() {
        return true;
    }
}
