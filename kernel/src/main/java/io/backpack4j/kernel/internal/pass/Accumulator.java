// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.internal.layout.AccumulatorKey;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.ContractionTask;
import io.backpack4j.spi.module.OtherwiseVisitor;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One accumulated result of a site, over all chunks and blocks. For each step it says where a contraction should write:
 * straight into the result where that is possible, into temporary memory where the step's part is not contiguous or
 * must be merged.
 */
final class Accumulator {

    private final Backend backend;
    private final TensorScope owner;
    private final AccumulatorKey key;
    private final Shape parameter;
    private final List<Tensor> results;
    private final ChunkedSum chunks;
    private @Nullable Moments moments;
    private long count;

    Accumulator(
            Backend backend,
            TensorScope scope,
            AccumulatorKey key,
            Shape parameter,
            DType dtype,
            long columns,
            long samples) {
        this(backend, scope, key, parameter, allocated(scope, key, parameter, dtype, columns, samples), 0);
    }

    /** Takes over what was accumulated elsewhere. */
    Accumulator(
            Backend backend, TensorScope scope, AccumulatorKey key, Shape parameter, List<Tensor> results, long count) {
        this.backend = backend;
        this.owner = scope;
        this.key = key;
        this.parameter = parameter;
        this.results = List.copyOf(results);
        this.chunks = new ChunkedSum(backend, scope, this.results.get(0));
        this.count = count;
    }

    private static List<Tensor> allocated(
            TensorScope scope, AccumulatorKey key, Shape parameter, DType dtype, long columns, long samples) {
        List<Tensor> allocated = new ArrayList<>();
        for (Shape shape : key.contraction().shapes(columns, samples, parameter)) {
            allocated.add(scope.allocate(shape, key.contraction().resultType(dtype)));
        }
        return allocated;
    }

    AccumulatorKey key() {
        return key;
    }

    /** What the wanted result was multiplied by. */
    double scale() {
        return key.contraction() instanceof Contraction.InputFactor factor ? factor.scale() : 1;
    }

    /** The result's tensors. */
    List<Tensor> results() {
        return results;
    }

    /** Number of terms so far, of moments. */
    long count() {
        return count;
    }

    /** A task for a step, and what to do once it is computed. */
    record Pending(ContractionTask task, Runnable afterwards) {}

    /**
     * Prepares a step.
     *
     * @param scope closes after the step
     * @param given what the contraction takes beside the gradients
     */
    Optional<Pending> prepare(TensorScope scope, Step step, Given given) {
        return key.contraction().accept(new Preparation(scope, step, given));
    }

    /**
     * Tensors and factors that a contraction takes beside the gradients.
     *
     * @param operand the whole operand, if it has one
     * @param factor that of the loss's reduction in the gradients
     * @param values the parameter's values, if it takes them
     */
    record Given(
            @Nullable Tensor operand,
            double factor,
            @Nullable Tensor values) {

        /** Nothing, for contractions of gradients alone. */
        static final Given NOTHING = new Given(null, 1, null);
    }

    /** Ends sums over chunks. No step may follow. */
    void complete() {
        chunks.complete();
        if (moments != null) {
            moments.complete();
            moments = null;
        }
    }

    private Pending direct(Tensor destination, @Nullable Tensor operand, boolean accumulate) {
        return new Pending(new ContractionTask(key.contraction(), List.of(destination), operand, accumulate), () -> {});
    }

    private Pending moments(TensorScope scope, Step step) {
        long added = step.block().columns() * step.block().samples();
        if (step.first()) {
            count = added;
            return new Pending(new ContractionTask(key.contraction(), results, null, false), () -> {});
        }
        Tensor sum = scope.allocate(parameter, results.get(0).dtype());
        Tensor squares = scope.allocate(parameter, results.get(0).dtype());
        var task = new ContractionTask(key.contraction(), List.of(sum, squares), null, false);
        return new Pending(task, () -> {
            moments().add(sum, squares, added);
            count += added;
        });
    }

    private Moments moments() {
        Moments started = moments;
        if (started == null) {
            started = new Moments(backend, owner, results.get(0), results.get(1), count);
            moments = started;
        }
        return started;
    }

    /** The first step overwrites; what others find is compared. */
    private Pending maximum(TensorScope scope, Step step) {
        Tensor result = results.get(0);
        if (step.first()) {
            return direct(result, null, false);
        }
        Tensor found = scope.allocate(result.shape(), result.dtype());
        var task = new ContractionTask(key.contraction(), List.of(found), null, false);
        return new Pending(task, () -> backend.elementwise().combine(BinaryOperation.MAXIMUM, result, found, result));
    }

    private Pending dot(TensorScope scope, Step step, Tensor vectors) {
        if (step.wholeBatch() && step.block().columns() == step.columns()) {
            return direct(results.get(0), vectors, false);
        }
        Region region = Region.all(results.get(0).shape())
                .with(1, step.block().fromColumn(), step.block().columns())
                .with(2, step.block().fromSample(), step.block().samples());
        return inserted(scope, region, vectors);
    }

    private Tensor weights(TensorScope scope, Step step, Tensor weights) {
        if (step.wholeBatch() && step.block().columns() == step.columns()) {
            return weights;
        }
        Region region = Region.all(weights.shape())
                .with(1, step.block().fromColumn(), step.block().columns())
                .with(2, step.block().fromSample(), step.block().samples());
        Tensor part = scope.allocate(region.shape(), weights.dtype());
        backend.indexing().extract(weights, region, part);
        return part;
    }

    private Pending perColumnAndSample(TensorScope scope, Step step, @Nullable Tensor operand) {
        Tensor view = StepRegions.view(scope, results.get(0), step);
        return view != null
                ? direct(view, operand, false)
                : inserted(scope, StepRegions.region(results.get(0), step), operand);
    }

    private Pending inserted(TensorScope scope, Region region, @Nullable Tensor operand) {
        Tensor part = scope.allocate(region.shape(), results.get(0).dtype());
        var task = new ContractionTask(key.contraction(), List.of(part), operand, false);
        return new Pending(task, () -> backend.indexing().insert(part, region, results.get(0)));
    }

    /** The wanted samples that are in this chunk, at their places in the result; nothing if there are none. */
    private Optional<Pending> subsampled(TensorScope scope, Step step, List<Integer> wanted) {
        Tensor result = results.get(0);
        int axis = key.contraction().sampleAxis();
        long fromColumn = step.block().fromColumn();
        if (step.wholeBatch()) {
            Tensor ofColumns = scope.rows(result, fromColumn, step.block().toColumn());
            return Optional.of(direct(axis == 0 ? result : ofColumns, null, false));
        }
        List<Integer> local = new ArrayList<>();
        List<Integer> places = new ArrayList<>();
        for (int place = 0; place < wanted.size(); place++) {
            int sample = wanted.get(place);
            if (sample >= step.block().fromSample() && sample < step.block().toSample()) {
                local.add((int) (sample - step.block().fromSample()));
                places.add(place);
            }
        }
        if (local.isEmpty()) {
            return Optional.empty();
        }
        Contraction contraction = key.contraction().ofSamples(local);
        long columns = step.block().columns();
        Tensor part = scope.allocate(
                contraction.shapes(columns, local.size(), parameter).get(0), result.dtype());
        return Optional.of(new Pending(new ContractionTask(contraction, List.of(part), null, false), () -> {
            for (int i = 0; i < places.size(); i++) {
                place(part, i, places.get(i), axis, fromColumn);
            }
        }));
    }

    /** Copies a sample of a part of the columns to where the result has it. */
    private void place(Tensor part, long sample, long place, int axis, long fromColumn) {
        Tensor result = results.get(0);
        try (TensorScope scope = backend.openScope()) {
            if (axis == 0) {
                long[] numbers = scope.rows(part, sample, sample + 1).toLongArray();
                scope.rows(result, place, place + 1).write(0, numbers, 0, numbers.length);
                return;
            }
            Region from = Region.all(part.shape()).with(1, sample, 1);
            Tensor one = scope.allocate(from.shape(), part.dtype());
            backend.indexing().extract(part, from, one);
            Region to = Region.all(result.shape())
                    .with(0, fromColumn, part.shape().size(0))
                    .with(1, place, 1);
            backend.indexing().insert(one, to, result);
        }
    }

    private Tensor requireOperand(@Nullable Tensor operand) {
        if (operand == null) {
            throw new IllegalStateException(key + " needs an operand");
        }
        return operand;
    }

    /** Preparation of a step by kind of contraction; empty where the step has no part in the result. */
    private final class Preparation implements OtherwiseVisitor<Optional<Pending>> {

        private final TensorScope scope;
        private final Step step;
        private final Given given;
        private final @Nullable Tensor operand;

        Preparation(TensorScope scope, Step step, Given given) {
            this.scope = scope;
            this.step = step;
            this.given = given;
            this.operand = given.operand();
        }

        /** Follows the rule by which parts merge. */
        @Override
        public Optional<Pending> otherwise(Contraction contraction) {
            return switch (contraction.mergeRule()) {
                case SUM -> summed();
                case PER_SAMPLE -> ofSamples(step.weights());
                case PER_COLUMN_AND_SAMPLE -> Optional.of(perColumnAndSample(scope, step, null));
                case MOMENTS -> Optional.of(moments(scope, step));
                case MAX -> Optional.of(maximum(scope, step));
                case NOT_MERGEABLE -> Optional.of(direct(results.get(0), step.weights(), !step.firstBlock()));
            };
        }

        @Override
        public Optional<Pending> visit(Contraction.PerSample perSample) {
            return chosen(perSample);
        }

        @Override
        public Optional<Pending> visit(Contraction.LookedUpIds ids) {
            return chosen(ids);
        }

        @Override
        public Optional<Pending> visit(Contraction.LookedUpRows rows) {
            return chosen(rows);
        }

        /** Of all samples, or of those that are wanted. */
        private Optional<Pending> chosen(Contraction contraction) {
            return contraction.subsampling().isPresent()
                    ? subsampled(scope, step, contraction.subsampling().get())
                    : otherwise(contraction);
        }

        @Override
        public Optional<Pending> visit(Contraction.Sum sum) {
            Block block = step.block();
            Tensor ofColumns = scope.rows(chunks.of(step, false), block.fromColumn(), block.toColumn());
            return Optional.of(direct(ofColumns, null, false));
        }

        @Override
        public Optional<Pending> visit(Contraction.DotWithSum dot) {
            Tensor ofColumns = operand == null
                    ? null
                    : scope.rows(
                            operand, step.block().fromColumn(), step.block().toColumn());
            return Optional.of(perColumnAndSample(scope, step, ofColumns));
        }

        @Override
        public Optional<Pending> visit(Contraction.CentredSquaredNorm norm) {
            if (!step.isAll()) {
                throw new IllegalStateException(key + " is made of moments until nothing has to be merged");
            }
            count = step.columns() * step.samples();
            return Optional.of(direct(results.get(0), null, false));
        }

        @Override
        public Optional<Pending> visit(Contraction.Dot contraction) {
            return Optional.of(dot(scope, step, requireOperand(operand)));
        }

        @Override
        public Optional<Pending> visit(Contraction.MappedInnerProducts contraction) {
            return ofSamples(requireOperand(operand));
        }

        @Override
        public Optional<Pending> visit(Contraction.WeightedSum sum) {
            Tensor ofStep = weights(scope, step, requireOperand(operand));
            return Optional.of(direct(chunks.of(step, false), ofStep, !step.firstBlock()));
        }

        @Override
        public Optional<Pending> visit(Contraction.Histogram histogram) {
            return counted();
        }

        @Override
        public Optional<Pending> visit(Contraction.JointHistogram histogram) {
            return counted();
        }

        /** Counts of all steps add up in one place, without an error to be kept. */
        private Optional<Pending> counted() {
            Tensor edges = requireOperand(operand);
            var task = new ContractionTask(
                    key.contraction(), results, edges, !step.first(), given.factor(), given.values());
            return Optional.of(new Pending(task, () -> {}));
        }

        private Optional<Pending> summed() {
            return Optional.of(direct(chunks.of(step, step.weights() != null), step.weights(), !step.firstBlock()));
        }

        /**
         * Rows {@code [N, …]} of the step's samples.
         *
         * @param beside what the contraction takes beside the gradients
         */
        private Optional<Pending> ofSamples(@Nullable Tensor beside) {
            Block block = step.block();
            Tensor rows = step.wholeBatch()
                    ? results.get(0)
                    : scope.rows(results.get(0), block.fromSample(), block.toSample());
            return Optional.of(direct(rows, beside, !step.firstBlock()));
        }
    }
}
