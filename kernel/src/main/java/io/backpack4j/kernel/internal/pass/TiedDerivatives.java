package io.backpack4j.kernel.internal.pass;

import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.ContractionTask;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;

/** The per-sample gradients of a parameter with several uses: their sum, before anything is squared. */
final class TiedDerivatives extends ParameterDerivatives {

    private final List<ParameterDerivatives> uses;

    private TiedDerivatives(List<ParameterDerivatives> uses) {
        super(
                uses.get(0).backend(),
                uses.get(0).parameter(),
                uses.get(0).dtype(),
                uses.get(0).columns(),
                uses.get(0).samples());
        this.uses = uses;
    }

    static ParameterDerivatives of(List<ParameterDerivatives> uses) {
        return uses.size() == 1 ? uses.get(0) : new TiedDerivatives(List.copyOf(uses));
    }

    @Override
    public void perSample(Block block, Tensor destination) {
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
    protected boolean hasDirectForm(Contraction contraction) {
        return contraction instanceof Contraction.Sum
                || contraction instanceof Contraction.WeightedSum
                || contraction instanceof Contraction.Dot
                || contraction instanceof Contraction.InputFactor
                || contraction instanceof Contraction.OutputFactor;
    }

    /** Linear contractions add over uses. So do Kronecker factors of output sides, with the mean of the input sides beside them. */
    @Override
    protected void computeDirectly(ContractionTask task) {
        if (task.contraction() instanceof Contraction.InputFactor) {
            addMean(task);
            return;
        }
        if (task.contraction() instanceof Contraction.Dot) {
            uses.get(0).execute(List.of(task));
            try (TensorScope scope = backend().openScope()) {
                Tensor other = scope.allocate(task.destination().shape(), dtype());
                var elsewhere = new ContractionTask(task.contraction(), List.of(other), task.operand(), false);
                for (ParameterDerivatives use : uses.subList(1, uses.size())) {
                    use.execute(List.of(elsewhere));
                    backend().elementwise().addScaled(1, other, task.destination());
                }
            }
            return;
        }
        var adding = new ContractionTask(task.contraction(), task.destinations(), task.operand(), true);
        uses.forEach(use -> use.execute(List.of(adding)));
    }

    /**
     * Uses are taken as independent: Σ_u G_u ⊗ A_u ≈ (Σ_u G_u) ⊗ (mean of A_u), as Martens, Ba and Johnson (2018), "Kronecker-factored Curvature Approximations
     * for Recurrent Neural Networks", section 3.2, do with time steps.
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
}
