// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.train;

import io.backpack4j.cli.files.ImageShapes;
import io.backpack4j.cli.files.SampleData;
import io.backpack4j.cli.files.ShippedText;
import io.backpack4j.cli.files.TextWindows;
import io.backpack4j.cli.options.TableColumns;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.Batches;
import io.backpack4j.training.data.DataSource;
import io.backpack4j.training.data.Normalization;
import io.backpack4j.training.data.NormalizedSource;
import io.backpack4j.training.data.ReshapedSource;
import io.backpack4j.training.data.Subset;
import io.backpack4j.training.data.TableRequest;
import io.backpack4j.training.files.DataSets;
import io.backpack4j.training.files.SpooledSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a network is trained on.
 *
 * @param training the samples to train on
 * @param heldOut the samples that are only predicted
 * @param shapes of a sample's inputs, in the model's order
 * @param normalization how bytes become inputs, if they do
 * @param about the samples in words
 * @param all the data as it was opened
 * @param opened what is to be closed
 */
record TrainData(
        DataSource training,
        Optional<DataSource> heldOut,
        List<Shape> shapes,
        Optional<Normalization> normalization,
        String about,
        DataSets.Opened all,
        List<DataSource> opened)
        implements AutoCloseable {

    /** Mean and deviation of MNIST's pixels, as everybody uses them. */
    private static final Normalization DIGITS = Normalization.of(1.0 / 255, 0.1307, 0.3081);

    /** Those of Fashion-MNIST's. */
    private static final Normalization FASHION = Normalization.of(1.0 / 255, 0.2860, 0.3530);

    private static final long HELD_OUT_DIGITS = 1000;
    private static final Pattern FRACTION = Pattern.compile("0?\\.[0-9]+");

    /**
     * Opens data.
     *
     * @param table columns, if the data is a table
     * @param data files; none for the digits that ship with this program
     * @param dtype that the model computes with, if somebody says
     * @param valid a fraction of the data, files, or null: nothing is held out then, but of the digits the last 1,000
     */
    static TrainData open(
            BackPack backpack,
            ModelDescription description,
            TableColumns table,
            @Nullable String data,
            @Nullable DType dtype,
            @Nullable String valid) {
        List<DataSource> opened = new ArrayList<>();
        Rows rows = new Rows(backpack, description, table, dtype == null ? DType.FLOAT32 : dtype);
        boolean digits = data == null && !table.isQuery();
        try {
            DataSets.Opened all = digits ? rows.digits() : rows.open(data);
            opened.add(all.source());
            Normalization normalization =
                    digits ? DIGITS : data != null && DataSets.isNamed(data) ? FASHION : Normalization.UNIT;
            List<Shape> shapes = all.areBytes()
                    ? List.of(ImageShapes.taken(
                            backpack, description, all.samples().get(0)))
                    : all.samples();
            long count = all.source().samples();
            long split = count;
            Optional<DataSource> heldOut = Optional.empty();
            if (valid == null) {
                split = digits ? count - HELD_OUT_DIGITS : count;
            } else if (FRACTION.matcher(valid).matches()) {
                split = count - Math.max(1, Math.round(count * Double.parseDouble(valid)));
            } else {
                DataSets.Opened other = rows.open(valid, false);
                opened.add(other.source());
                heldOut = Optional.of(prepared(other.source(), other.areBytes(), shapes, normalization));
            }
            if (split < 1) {
                throw new BackpackException(
                        CommonProblems.INVALID_OPTION,
                        "--valid %s leaves nothing of %d samples to train on.".formatted(valid, count));
            }
            DataSource training = prepared(new Subset(all.source(), 0, split), all.areBytes(), shapes, normalization);
            if (split < count) {
                heldOut = Optional.of(
                        prepared(new Subset(all.source(), split, count), all.areBytes(), shapes, normalization));
            }
            String about = "%d %s%s"
                    .formatted(
                            split,
                            all.about(),
                            heldOut.map(source -> ", " + source.samples() + " held out")
                                    .orElse(", nothing held out"));
            return new TrainData(
                    training,
                    heldOut,
                    shapes,
                    all.areBytes() ? Optional.of(normalization) : Optional.empty(),
                    about,
                    all,
                    opened);
        } catch (RuntimeException | Error e) {
            opened.forEach(DataSource::close);
            throw e;
        }
    }

    /**
     * How data is opened.
     *
     * @param table columns, if it is a table
     * @param dtype of its numbers then
     */
    private record Rows(BackPack backpack, ModelDescription description, TableColumns table, DType dtype) {

        /** Rows that are read at a time. */
        private static final int READ = 1024;

        /** Files that are tables even without columns; .csv without any is a file of numbers, as ever. */
        private static final Pattern TABLE_ONLY = Pattern.compile("(?i).*\\.(parquet|tsv|jsonl|ndjson)(\\.(gz|zst))?");

        DataSets.Opened digits() {
            TableColumns.requireNone(table.given(), "the digits that ship with this program");
            return SampleData.digits();
        }

        DataSets.Opened open(@Nullable String data) {
            if (table.isTable(data, TABLE_ONLY)) {
                return open(data, table.isQuery());
            }
            TableColumns.requireNone(table.given(), String.valueOf(data));
            return DataSets.open(Objects.requireNonNull(data), description.inputs());
        }

        /** @param query whether the rows are a query's, and no files' */
        DataSets.Opened open(@Nullable String data, boolean query) {
            if (!query && !table.areTables(data, TABLE_ONLY)) {
                return DataSets.open(Objects.requireNonNull(data), description.inputs());
            }
            table.requireColumns();
            TableRequest request =
                    table.request(backpack.catalog(), description, dtype, query ? null : data, READ, Optional.empty());
            try (Batches batches = TableColumns.reader(backpack.catalog()).open(request)) {
                SpooledSource source = SpooledSource.of(batches);
                String about = query ? "rows of a query" : "rows of " + data;
                return new DataSets.Opened(source, List.of(source.sample(request.input())), false, about);
            }
        }
    }

    /**
     * Opens the text that ships with this program. Its end is held out, a tenth if nobody says: windows of the rest
     * overlap each other, but not those.
     *
     * @param valid a fraction of the text, files, or null
     */
    static TrainData ofText(ModelDescription description, @Nullable String valid) {
        String files = valid == null || FRACTION.matcher(valid).matches() ? null : valid;
        double fraction = valid == null ? ShippedText.HELD_OUT : files == null ? Double.parseDouble(valid) : 0;
        TextWindows windows = ShippedText.training(fraction);
        if (windows.samples() < 1) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "--valid %s leaves no %s to train on.".formatted(valid, ShippedText.ABOUT));
        }
        DataSource training = windows.source();
        DataSource heldOut = files != null
                ? DataSets.open(files, description.inputs()).source()
                : ShippedText.heldOut(fraction).source();
        List<Shape> shapes = List.of(Shape.of(ShippedText.LENGTH));
        return new TrainData(
                training,
                Optional.of(heldOut).filter(source -> source.samples() > 0),
                shapes,
                Optional.empty(),
                "%d %s, %d held out".formatted(training.samples(), ShippedText.ABOUT, heldOut.samples()),
                new DataSets.Opened(training, shapes, false, ShippedText.ABOUT),
                List.of(training, heldOut));
    }

    private static DataSource prepared(
            DataSource source, boolean bytes, List<Shape> shapes, Normalization normalization) {
        return bytes ? new ReshapedSource(new NormalizedSource(source, normalization), shapes.get(0)) : source;
    }

    @Override
    public void close() {
        opened.forEach(DataSource::close);
    }
}
