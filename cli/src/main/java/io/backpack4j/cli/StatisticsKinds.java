package io.backpack4j.cli;

import io.backpack4j.kernel.BatchStatistics;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads what derivatives make of statistics of the batch. */
final class StatisticsKinds implements ITypeConverter<BatchStatistics> {

    @Override
    public BatchStatistics convert(String text) {
        return switch (text) {
            case "differentiated" -> BatchStatistics.DIFFERENTIATED;
            case "constant" -> BatchStatistics.CONSTANT;
            default -> throw new TypeConversionException("'" + text + "' is not one of differentiated, constant");
        };
    }
}
