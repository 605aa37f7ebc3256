// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.train;

import io.backpack4j.cli.files.ImageShapes;
import io.backpack4j.cli.files.SampleData;
import io.backpack4j.cli.files.ShippedText;
import io.backpack4j.cli.files.TextWindows;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.DataSource;
import io.backpack4j.training.data.Normalization;
import io.backpack4j.training.data.NormalizedSource;
import io.backpack4j.training.data.ReshapedSource;
import io.backpack4j.training.data.Subset;
import io.backpack4j.training.files.DataSets;
import java.util.ArrayList;
import java.util.List;
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
     * @param data files; none for the digits that ship with this program
     * @param valid a fraction of the data, files, or null: nothing is held out then, but of the digits the last 1,000
     */
    static TrainData open(
            BackPack backpack, ModelDescription description, @Nullable String data, @Nullable String valid) {
        List<DataSource> opened = new ArrayList<>();
        try {
            DataSets.Opened all = data == null ? SampleData.digits() : DataSets.open(data, description.inputs());
            opened.add(all.source());
            Normalization normalization = data == null ? DIGITS : DataSets.isNamed(data) ? FASHION : Normalization.UNIT;
            List<Shape> shapes = all.areBytes()
                    ? List.of(ImageShapes.taken(
                            backpack, description, all.samples().get(0)))
                    : all.samples();
            long count = all.source().samples();
            long split = count;
            Optional<DataSource> heldOut = Optional.empty();
            if (valid == null) {
                split = data == null ? count - HELD_OUT_DIGITS : count;
            } else if (FRACTION.matcher(valid).matches()) {
                split = count - Math.max(1, Math.round(count * Double.parseDouble(valid)));
            } else {
                DataSets.Opened other = DataSets.open(valid, description.inputs());
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
