// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.files;

import io.backpack4j.formats.IdxFile;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Parameters;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.ArraySource;
import io.backpack4j.training.data.DataSource;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

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

        /** The type to compute with if nobody says: double precision if the file is safetensors and has it. */
        public DType dtype() {
            return source instanceof SafetensorsSource file && file.isWide() ? DType.FLOAT64 : DType.FLOAT32;
        }

        /** Sets parameters and buffers that stand beside the data, in a safetensors file. */
        public void fill(Parameters parameters) {
            if (source instanceof SafetensorsSource file) {
                file.fill(parameters);
            }
        }
    }

    /** The word for Fashion-MNIST, as Debian's package has it. */
    public static final String FASHION_MNIST = "fashion-mnist";

    /** The word for those of it that are kept for testing. */
    public static final String FASHION_MNIST_TEST = "fashion-mnist-test";

    private static final Path FASHION_MNIST_FOLDER = Path.of("/usr/share/datasets/fashion-mnist");

    private static final Pattern IDX = Pattern.compile(".*(idx\\d-ubyte|\\.idx)(\\.gz)?");

    /**
     * Whether names are those of data without parameters beside them, as {@link #open} takes them: anything but one
     * file that may be safetensors.
     */
    public static boolean isDataSet(String names) {
        String name = names.toLowerCase(Locale.ROOT);
        return isNamed(names)
                || areSeveral(names)
                || name.endsWith(".bin")
                || name.endsWith(".csv")
                || name.endsWith(".npz")
                || name.endsWith(".npy")
                || IDX.matcher(name).matches()
                || Files.isDirectory(Path.of(names));
    }

    /** Whether names are those of several files, and no file's whose name has a comma. */
    public static boolean areSeveral(String names) {
        try {
            return names.contains(",") && !Files.isRegularFile(Path.of(names));
        } catch (InvalidPathException e) {
            return true;
        }
    }

    /** The data sets that have a name of their own. */
    public static List<String> names() {
        return List.of(FASHION_MNIST, FASHION_MNIST_TEST);
    }

    /** Whether it is one of the data sets that have a name of their own. */
    public static boolean isNamed(String name) {
        return names().contains(name);
    }

    /**
     * Opens the 60,000 images of Fashion-MNIST, or the 10,000 of its test set, of a folder with the files of MNIST.
     *
     * @throws BackpackException if they are not there, naming the package that has them
     */
    static Opened fashion(Path folder, boolean test) {
        String part = test ? "t10k" : "train";
        Path images = folder.resolve(part + "-images-idx3-ubyte.gz");
        Path labels = folder.resolve(part + "-labels-idx1-ubyte.gz");
        if (!Files.isReadable(images) || !Files.isReadable(labels)) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    ("Fashion-MNIST is not installed: '%s' or its labels are missing. Install Debian's package dataset-fashion-mnist, with"
                                    + " 'apt-get install dataset-fashion-mnist', or name the files of another copy, IMAGES,LABELS.")
                            .formatted(images));
        }
        IdxSource source = new IdxSource(IdxFile.read(images), IdxFile.read(labels));
        return new Opened(source, List.of(source.sample()), true, "images of Fashion-MNIST");
    }

    /**
     * Opens what files are named, with commas between them: images and labels as IDX, two arrays of NumPy, {@code .bin}
     * files of CIFAR; or one safetensors file, one {@code .npz}, both with an array for inputs and one for targets, one
     * CSV file, or a folder with a folder of pictures per class; {@value #FASHION_MNIST} and {@value
     * #FASHION_MNIST_TEST} where Debian's package is installed.
     *
     * @param inputs the model's names for its inputs
     * @throws BackpackException if there is no such data
     */
    public static Opened open(String names, List<String> inputs) {
        Opened opened = opened(names, inputs);
        if (opened.source() instanceof SafetensorsSource || inputs.equals(List.of(Graph.INPUT))) {
            return opened;
        }
        if (inputs.size() != 1) {
            opened.source().close();
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "'%s' has one input, but the model has %d: %s. Write a safetensors file with a tensor for each."
                            .formatted(names, inputs.size(), String.join(", ", inputs)));
        }
        DataSource renamed = new RenamedSource(opened.source(), inputs.get(0));
        return new Opened(renamed, opened.samples(), opened.areBytes(), opened.about());
    }

    private static Opened opened(String names, List<String> inputs) {
        if (isNamed(names)) {
            return fashion(FASHION_MNIST_FOLDER, names.equals(FASHION_MNIST_TEST));
        }
        List<Path> files =
                Arrays.stream(names.split(",")).map(String::strip).map(Path::of).toList();
        Path first = files.get(0);
        String name = String.valueOf(first.getFileName()).toLowerCase(Locale.ROOT);
        if (name.endsWith(".bin")) {
            return new Opened(new CifarSource(files), List.of(CifarSource.SAMPLE), true, "images of CIFAR");
        }
        if (files.size() == 2 && name.endsWith(".npy")) {
            return arrays(NpyFile.read(first), NpyFile.read(files.get(1)), "samples of " + first);
        }
        if (files.size() == 2) {
            IdxSource source = new IdxSource(IdxFile.read(first), IdxFile.read(files.get(1)));
            return new Opened(source, List.of(source.sample()), true, "images of " + first);
        }
        if (files.size() == 1) {
            return single(first, name, inputs);
        }
        throw unknown(names);
    }

    private static Opened single(Path file, String name, List<String> inputs) {
        String about = "samples of " + file;
        if (Files.isDirectory(file)) {
            PictureFolder source = new PictureFolder(file);
            return new Opened(source, List.of(source.sample()), true, "pictures of " + file);
        }
        if (name.endsWith(".safetensors")) {
            SafetensorsSource source = new SafetensorsSource(file, inputs);
            return new Opened(source, inputs.stream().map(source::sample).toList(), false, about);
        }
        if (name.endsWith(".csv")) {
            ArraySource source = CsvSource.read(file);
            return new Opened(source, List.of(source.sample()), false, about);
        }
        if (name.endsWith(".npz")) {
            Map<String, NpyFile> members = NpyFile.readAll(file);
            NpyFile input = members.get("input");
            NpyFile target = members.get("target");
            if (input == null || target == null) {
                throw NpyFile.invalid(
                        file.toString(),
                        "has the arrays %s, but needs 'input' and 'target'".formatted(members.keySet()));
            }
            return arrays(input, target, about);
        }
        throw unknown(file.toString());
    }

    private static Opened arrays(NpyFile input, NpyFile target, String about) {
        ArraySource source = ArraySource.of(input.values(), target.asTargets());
        return new Opened(source, List.of(source.sample()), input.areBytes(), about);
    }

    private static BackpackException unknown(String names) {
        return new BackpackException(
                CommonProblems.INVALID_OPTION,
                ("'%s' is no data that can be read. Name two IDX files or two .npy files (inputs, then targets), a .safetensors or .npz file with input"
                                + " and target, a .csv file, CIFAR's .bin files, a folder with a folder of pictures per class, or fashion-mnist where Debian's package of it is installed.")
                        .formatted(names));
    }
}
