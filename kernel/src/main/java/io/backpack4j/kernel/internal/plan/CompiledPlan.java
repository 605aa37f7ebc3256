package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.internal.linearization.NetworkProducts;
import io.backpack4j.kernel.internal.pass.PassInputs;
import io.backpack4j.kernel.internal.pass.PassLayout;
import io.backpack4j.kernel.internal.pass.PassPartials;
import io.backpack4j.kernel.internal.pass.PassRun;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import java.util.Map;

/** A plan: a layout and a splitting that a dry run has tried. */
public final class CompiledPlan implements Plan {

    private final Backend backend;
    private final Model model;
    private final PassLayout layout;
    private final BatchSignature signature;
    private final Shape output;
    private final TrialOutcome outcome;

    CompiledPlan(
            Backend backend,
            Model model,
            PassLayout layout,
            Shape output,
            BatchSignature signature,
            TrialOutcome outcome) {
        this.backend = backend;
        this.model = model;
        this.layout = layout;
        this.output = output;
        this.signature = signature;
        this.outcome = outcome;
    }

    @Override
    public Results run(Batch batch, long seed) {
        return PassRun.run(layout, outcome.splitting(), backend, inputs(batch, seed), NetworkProducts::new);
    }

    /** Runs the pass with the factor 1 of the loss, and leaves its partial results as they are. The caller closes them. */
    public PassPartials partials(Batch batch, long seed) {
        return PassRun.partials(layout, outcome.splitting(), backend, inputs(batch, seed), NetworkProducts::new);
    }

    private PassInputs inputs(Batch batch, long seed) {
        BatchSignature actual = BatchSignature.of(batch);
        if (!actual.equals(signature)) {
            throw new BackpackException(
                    "WrongBatch",
                    "The plan is for batches of inputs %s and targets %s, but was given inputs %s and targets %s. Make another plan."
                            .formatted(signature.inputs(), signature.targets(), actual.inputs(), actual.targets()));
        }
        model.loss().validateValues(output, batch.targets());
        return new PassInputs(batch.inputs(), batch.targets(), batch.sampleIds(), model.parameters()::get, seed);
    }

    @Override
    public long chunkSamples() {
        return outcome.splitting().chunkSamples();
    }

    @Override
    public long blockColumns() {
        return outcome.splitting().blockColumns();
    }

    @Override
    public long peakBytes() {
        return outcome.peakBytes();
    }

    @Override
    public Map<String, ResultType> results() {
        return outcome.outcome().results();
    }

    @Override
    public Map<String, Shape> products() {
        return outcome.outcome().products();
    }

    @Override
    public List<String> signals() {
        return layout.distinctSignals().stream().map(Signal::name).toList();
    }
}
