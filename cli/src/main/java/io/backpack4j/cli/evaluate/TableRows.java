// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.evaluate;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.Model;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.Problem;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.BatchData;
import io.backpack4j.training.data.Batches;
import io.backpack4j.training.data.HostTensor;
import io.backpack4j.training.data.Prefetcher;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.Consumer;

/** Gives the rows of a table to a session, batch by batch. */
final class TableRows {

    private final BackPack backpack;
    private final Model model;
    private final Consumer<Batch> session;

    /** @param session what takes a batch */
    TableRows(BackPack backpack, Model model, Consumer<Batch> session) {
        this.backpack = backpack;
        this.model = model;
        this.session = session;
    }

    /**
     * Adds all rows. The next batches are read while one is computed.
     *
     * @param first the first batch, which was read to know the input's shape
     * @param added is called after each batch
     */
    void add(Batches batches, BatchData first, Runnable added) {
        try (Prefetcher prefetcher = new Prefetcher(batches, 1, 1, 1)) {
            add(first);
            added.run();
            for (long number = 1; number < batches.perEpoch(); number++) {
                add(prefetcher.next());
                added.run();
            }
        }
    }

    private void add(BatchData data) {
        try (Batch batch = data.upload(backpack, model.dtype())) {
            session.accept(batch);
        } catch (BackpackException e) {
            throw wrongTarget(backpack, model, data).orElseGet(() -> inWordsOfTheTable(e));
        }
    }

    /** What went wrong with ids, in words of the table: a session knows batches, sessions and files. */
    static BackpackException inWordsOfTheTable(BackpackException failure) {
        Problem problem = failure.problems().get(0);
        if (!problem.id().equals(KernelProblems.DUPLICATE_SAMPLE)) {
            return failure;
        }
        return new BackpackException(
                problem.id(),
                "Rows have ids in common, but every row must have its own. Name another column with --id, or leave it out. %s"
                        .formatted(problem.message().replaceFirst("^File '[^']*': ", "")));
    }

    /** What is wrong with the first target that the loss does not take, if there is one: it knows no ids. */
    static Optional<BackpackException> wrongTarget(BackPack backpack, Model model, BatchData data) {
        if (!(data.targets() instanceof HostTensor.Longs targets)
                || targets.shape().rank() == 0) {
            return Optional.empty();
        }
        Shape one = targets.shape().with(0, 1);
        int elements = Math.toIntExact(one.elements());
        for (int sample = 0; sample < data.samples(); sample++) {
            long[] own = Arrays.copyOfRange(targets.values(), sample * elements, (sample + 1) * elements);
            try (Batch batch = backpack.batch(model.dtype())
                    .input("none", Shape.of(1), new float[1])
                    .targets(one, own)
                    .build()) {
                model.loss().validateValues(model.outputShape().prepend(1), batch.targets());
            } catch (BackpackException e) {
                Problem problem = e.problems().get(0);
                return Optional.of(new BackpackException(
                        problem.id(),
                        "The row with id %d, taken alone: %s".formatted(data.ids()[sample], problem.message())));
            }
        }
        return Optional.empty();
    }
}
