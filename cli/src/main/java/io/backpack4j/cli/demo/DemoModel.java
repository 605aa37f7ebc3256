// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.demo;

import io.backpack4j.cli.files.ShippedModels;
import io.backpack4j.cli.files.ShippedText;
import io.backpack4j.cli.options.LossOption;
import io.backpack4j.formats.ModelSource;
import io.backpack4j.kernel.Catalog;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * The model of the demo.
 *
 * @param name one of {@link #NAMES}, or a model file
 */
record DemoModel(String name) {

    /** The models that ship with this program, the default first. */
    static final List<String> NAMES = Stream.concat(Stream.of("logreg", "lenet"), ShippedText.MODELS.stream())
            .toList();

    /** Those that send few columns back: exact curvature takes one for each of 76 characters at each of 64 places. */
    private static final Set<String> CHEAP_FOR_CHARACTERS =
            Set.of("BatchGrad", "BatchL2Grad", "SumGradSquared", "Variance", "DiagGGNMC", "KFAC");

    private static final int FEWER_SAMPLES = 128;

    /** The model that is taken if none is named. */
    static DemoModel standard() {
        return new DemoModel(NAMES.get(0));
    }

    /** The model, and its numbers where its file has them. */
    ModelSource source(Catalog catalog, LossOption loss) {
        return NAMES.contains(name)
                ? ModelSource.of(loss.applied(ShippedModels.read(name)))
                : loss.openWithLoss(catalog, Path.of(name));
    }

    /** Whether it predicts characters of a text. */
    boolean isOfCharacters() {
        return ShippedText.MODELS.contains(name);
    }

    /** Which extensions it gets if nobody says, of those that there are. */
    List<String> extensions(List<String> all) {
        return isOfCharacters()
                ? all.stream().filter(CHEAP_FOR_CHARACTERS::contains).toList()
                : all;
    }

    /** How many of the digits that ship with this program it gets if nobody says how many. */
    int samples() {
        return name.equals("lenet") ? FEWER_SAMPLES : DemoData.SAMPLES;
    }

    /** Reads a name, or that of a file. */
    static final class Converter implements ITypeConverter<DemoModel> {

        @Override
        public DemoModel convert(String text) {
            if (NAMES.contains(text) || Files.exists(Path.of(text))) {
                return new DemoModel(text);
            }
            throw new TypeConversionException(
                    "'" + text + "' is neither one of " + String.join(", ", NAMES) + " nor a file");
        }
    }

    /** The names, for completion. */
    static final class Names implements Iterable<String> {

        @Override
        public Iterator<String> iterator() {
            return NAMES.iterator();
        }
    }
}
