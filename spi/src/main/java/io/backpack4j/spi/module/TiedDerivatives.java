// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The per-sample gradients of a parameter with several uses: their sum, before anything is squared. What is linear in
 * them adds over uses; the rest is asked of the {@linkplain ParameterDerivatives#joined joined} derivatives where there
 * are any.
 */
final class TiedDerivatives extends ParameterDerivatives {

    private final List<ParameterDerivatives> uses;
    private final @Nullable ParameterDerivatives joined;
    private final Forms forms = new Forms();

    TiedDerivatives(List<ParameterDerivatives> uses) {
        super(
                uses.get(0).backend(),
                uses.get(0).parameter(),
                uses.get(0).dtype(),
                uses.get(0).columns(),
                uses.get(0).samples());
        this.uses = List.copyOf(uses);
        this.joined = uses.get(0).joined(uses.subList(1, uses.size())).orElse(null);
    }

    @Override
    public void perSample(Block block, Tensor destination) {
        if (joined != null) {
            joined.perSample(block, destination);
            return;
        }
        uses.get(0).perSample(block, destination);
        try (TensorScope scope = backend().openScope()) {
            Tensor other = scope.allocate(destination.shape(), dtype());
            for (ParameterDerivatives use : uses.subList(1, uses.size())) {
                use.perSample(block, other);
                backend().elementwise().addScaled(1, other, destination);
            }
        }
    }

    @Override
    protected void consumeTiles(List<TileConsumer> consumers) {
        if (joined == null) {
            super.consumeTiles(consumers);
        } else {
            joined.consumeTiles(consumers);
        }
    }

    @Override
    protected Optional<DirectForm> directForm(Contraction contraction) {
        return contraction.accept(forms);
    }

    @Override
    public ParameterDerivatives ofSamples(List<Integer> positions) {
        return new TiedDerivatives(
                uses.stream().map(use -> use.ofSamples(positions)).toList());
    }

    @Override
    protected boolean addInnerProductsWith(ParameterDerivatives right, boolean sameSample, Tensor destination) {
        return joined != null
                && right instanceof TiedDerivatives other
                && other.joined != null
                && joined.addInnerProductsWith(other.joined, sameSample, destination);
    }

    /** Sums over uses, where all have the same rows. */
    @Override
    protected Optional<GradientRows> rows(TensorScope scope) {
        if (joined != null) {
            return joined.rows(scope);
        }
        List<GradientRows> ofUses = new ArrayList<>();
        for (ParameterDerivatives use : uses) {
            use.rows(scope).ifPresent(ofUses::add);
        }
        boolean alike =
                ofUses.stream().mapToLong(GradientRows::count).distinct().count() == 1;
        return alike && ofUses.size() == uses.size() ? Optional.of(new SummedRows(ofUses)) : Optional.empty();
    }

    private final class SummedRows implements GradientRows {

        private final List<GradientRows> ofUses;

        SummedRows(List<GradientRows> ofUses) {
            this.ofUses = ofUses;
        }

        @Override
        public long count() {
            return ofUses.get(0).count();
        }

        @Override
        public void write(long from, long to, Tensor destination) {
            ofUses.get(0).write(from, to, destination);
            try (TensorScope scope = backend().openScope()) {
                Tensor other = scope.allocate(destination.shape(), dtype());
                for (GradientRows use : ofUses.subList(1, ofUses.size())) {
                    use.write(from, to, other);
                    backend().elementwise().addScaled(1, other, destination);
                }
            }
        }
    }

    private void addUses(ContractionTask task) {
        uses.get(0).execute(List.of(task));
        var adding = new ContractionTask(task.contraction(), task.destinations(), task.operand(), true);
        uses.subList(1, uses.size()).forEach(use -> use.execute(List.of(adding)));
    }

    private void addDots(ContractionTask task) {
        uses.get(0).execute(List.of(task));
        try (TensorScope scope = backend().openScope()) {
            Tensor other = scope.allocate(task.destination().shape(), dtype());
            var elsewhere = new ContractionTask(task.contraction(), List.of(other), task.operand(), false);
            for (ParameterDerivatives use : uses.subList(1, uses.size())) {
                use.execute(List.of(elsewhere));
                backend().elementwise().addScaled(1, other, task.destination());
            }
        }
    }

    /**
     * Uses are taken as independent: Σ_u G_u ⊗ A_u ≈ (Σ_u G_u) ⊗ (mean of A_u), as Martens, Ba and Johnson (2018),
     * "Kronecker-factored Curvature Approximations for Recurrent Neural Networks", section 3.2, do with time steps.
     */
    private void addMean(ContractionTask task) {
        try (TensorScope scope = backend().openScope()) {
            Tensor sum = scope.allocate(task.destination().shape(), dtype());
            backend().elementwise().fill(sum, 0);
            var adding = new ContractionTask(task.contraction(), List.of(sum), null, true);
            uses.forEach(use -> use.execute(List.of(adding)));
            backend().elementwise().addScaled(1.0 / uses.size(), sum, task.destination());
        }
    }

    /**
     * What adds over uses, and for the rest the forms of the joined derivatives; positions of different uses are not
     * positions of one.
     */
    private final class Forms implements DirectForms {

        private final Optional<DirectForm> sum = Optional.of(DirectForm.overwriting(TiedDerivatives.this::addUses));

        @Override
        public Optional<DirectForm> otherwise(Contraction contraction) {
            return joined == null ? Optional.empty() : joined.directForm(contraction);
        }

        @Override
        public Optional<DirectForm> visit(Contraction.Sum contraction) {
            return sum;
        }

        @Override
        public Optional<DirectForm> visit(Contraction.Dot contraction) {
            return Optional.of(DirectForm.overwriting(TiedDerivatives.this::addDots));
        }

        @Override
        public Optional<DirectForm> visit(Contraction.WeightedSum contraction) {
            return sum;
        }

        @Override
        public Optional<DirectForm> visit(Contraction.InputFactor contraction) {
            return Optional.of(DirectForm.adding(TiedDerivatives.this::addMean));
        }

        @Override
        public Optional<DirectForm> visit(Contraction.OutputFactor contraction) {
            return sum;
        }

        @Override
        public Optional<DirectForm> visit(Contraction.SumOfSquaresOverPositions contraction) {
            return Optional.empty();
        }

        @Override
        public Optional<DirectForm> visit(Contraction.TraceOverPositions contraction) {
            return Optional.empty();
        }

        @Override
        public Optional<DirectForm> visit(Contraction.DotWithSum contraction) {
            return Optional.empty();
        }

        @Override
        public Optional<DirectForm> visit(Contraction.CentredSquaredNorm contraction) {
            return Optional.empty();
        }
    }
}
