package io.backpack4j.training.files;

import io.backpack4j.formats.IdxFile;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.DataSource;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** Opens data sets by the names of their files. */
public final class DataSets {

    private DataSets() {}

    /**
     * A data set.
     *
     * @param source its samples; the caller closes it
     * @param samples the shapes of a sample's inputs, in the model's order
     * @param areBytes whether inputs are pixels from 0 to 255
     * @param about what it is, in words that follow a number
     */
    public record Opened(DataSource source, List<Shape> samples, boolean areBytes, String about) {

        public Opened {
            samples = List.copyOf(samples);
        }
    }

    /**
     * Opens what files are named, with commas between them: images and labels as IDX, or one safetensors file.
     *
     * @param inputs the model's names for its inputs
     * @throws BackpackException if there is no such data
     */
    public static Opened open(String names, List<String> inputs) {
        List<Path> files =
                Arrays.stream(names.split(",")).map(String::strip).map(Path::of).toList();
        Path first = files.get(0);
        String name = String.valueOf(first.getFileName()).toLowerCase(Locale.ROOT);
        if (files.size() == 2 && name.matches(".*(idx\\d-ubyte|\\.idx)(\\.gz)?")) {
            IdxSource source = new IdxSource(IdxFile.read(first), IdxFile.read(files.get(1)));
            return new Opened(source, List.of(source.sample()), true, "images of " + first);
        }
        if (files.size() == 1 && name.endsWith(".safetensors")) {
            SafetensorsSource source = new SafetensorsSource(first, inputs);
            return new Opened(source, inputs.stream().map(source::sample).toList(), false, "samples of " + first);
        }
        throw new BackpackException(
                CommonProblems.INVALID_OPTION,
                "'%s' is no data that can be read. Name two IDX files, images and labels, or a safetensors file with input and target."
                        .formatted(names));
    }
}
