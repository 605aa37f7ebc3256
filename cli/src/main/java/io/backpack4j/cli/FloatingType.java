package io.backpack4j.cli;

import io.backpack4j.spi.tensor.DType;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads the element type of a computation. */
final class FloatingType implements ITypeConverter<DType> {

    @Override
    public DType convert(String text) {
        return switch (text) {
            case "float32" -> DType.FLOAT32;
            case "float64" -> DType.FLOAT64;
            default -> throw new TypeConversionException("'" + text + "' is not one of float32, float64");
        };
    }
}
