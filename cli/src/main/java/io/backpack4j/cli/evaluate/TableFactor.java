// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.evaluate;

import io.backpack4j.cli.options.TableColumns;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.BatchBuilder;
import io.backpack4j.kernel.Model;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.BatchData;
import io.backpack4j.training.data.Batches;
import io.backpack4j.training.data.TableRequest;
import java.util.Optional;

/**
 * The factor of the loss of all rows, by which results of single rows are multiplied: for most losses a function of how
 * many there are, for some of all targets, such as a mean with weights of classes. So it is read before any pass, and
 * results can be written as they come.
 */
final class TableFactor {

    private final BackPack backpack;
    private final Model model;

    TableFactor(BackPack backpack, Model model) {
        this.backpack = backpack;
        this.model = model;
    }

    /**
     * Reads the targets.
     *
     * @param request of the rows
     */
    double of(TableRequest request) {
        Loss loss = model.loss();
        double factor = Double.NaN;
        // Something must be an input.
        TableRequest targets = new TableRequest(
                request.source(),
                request.input(),
                request.targets(),
                Optional.empty(),
                DType.FLOAT64,
                request.targets(),
                request.targetType(),
                request.id(),
                request.batch(),
                request.rows());
        try (Batches batches = TableColumns.reader(backpack.catalog()).open(targets)) {
            for (long number = 0; number < batches.perEpoch(); number++) {
                double own = of(loss, batches.read(1, number));
                factor = number == 0 ? own : loss.normaliserOfAll(factor, own);
            }
        }
        return factor;
    }

    private double of(Loss loss, BatchData data) {
        BatchBuilder builder =
                backpack.batch(model.dtype()).input("none", Shape.of(data.samples()), new float[data.samples()]);
        data.targets().addAsTargets(builder);
        Shape output = model.outputShape().prepend(data.samples());
        try (Batch batch = builder.build()) {
            loss.validateValues(output, batch.targets());
            return loss.normaliser(output, batch.targets());
        } catch (BackpackException e) {
            throw TableRows.wrongTarget(backpack, model, data).orElse(e);
        }
    }
}
