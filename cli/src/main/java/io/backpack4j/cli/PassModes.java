package io.backpack4j.cli;

import io.backpack4j.spi.module.Mode;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads the mode of a pass. */
final class PassModes implements ITypeConverter<Mode> {

    @Override
    public Mode convert(String text) {
        return switch (text) {
            case "train" -> Mode.TRAIN;
            case "eval" -> Mode.EVAL;
            default -> throw new TypeConversionException("'" + text + "' is not one of train, eval");
        };
    }
}
