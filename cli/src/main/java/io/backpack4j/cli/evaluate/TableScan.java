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
import java.util.OptionalLong;

/**
 * What must be known of all rows before results of single ones can be written as they come.
 *
 * @param factor of the loss of all rows, by which those are multiplied: for most losses a function of how many rows
 *     there are, for some of all targets, such as a mean with weights of classes
 * @param ascending whether every id is larger than the one before, so that rows come in the order of results
 */
record TableScan(double factor, boolean ascending) {

    /**
     * Reads targets and ids.
     *
     * @param request of the rows
     */
    static TableScan of(BackPack backpack, Model model, TableRequest request) {
        Loss loss = model.loss();
        double factor = Double.NaN;
        boolean ascending = true;
        OptionalLong last = OptionalLong.empty();
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
                BatchData data = batches.read(1, number);
                double own = factor(backpack, model, data);
                factor = number == 0 ? own : loss.normaliserOfAll(factor, own);
                for (long id : data.ids()) {
                    ascending &= last.isEmpty() || id > last.getAsLong();
                    last = OptionalLong.of(id);
                }
            }
        }
        return new TableScan(factor, ascending);
    }

    private static double factor(BackPack backpack, Model model, BatchData data) {
        Loss loss = model.loss();
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
