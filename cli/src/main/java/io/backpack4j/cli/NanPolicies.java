package io.backpack4j.cli;

import io.backpack4j.kernel.NanPolicy;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads what to do with results that are not finite. */
final class NanPolicies implements ITypeConverter<NanPolicy> {

    @Override
    public NanPolicy convert(String text) {
        return switch (text) {
            case "fail" -> NanPolicy.FAIL;
            case "ignore" -> NanPolicy.IGNORE;
            default -> throw new TypeConversionException("'" + text + "' is not one of fail, ignore");
        };
    }
}
