// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx;

import io.backpack4j.formats.ForeignModel;
import io.backpack4j.formats.FormatProblems;
import io.backpack4j.formats.ModelFormat;
import io.backpack4j.kernel.Catalog;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.Model;
import io.backpack4j.onnx.proto.FileReader;
import io.backpack4j.onnx.proto.OnnxFile;
import io.backpack4j.onnx.reading.Import;
import io.backpack4j.onnx.wire.Bytes;
import io.backpack4j.onnx.wire.WireFormatException;
import io.backpack4j.onnx.writing.Export;
import io.backpack4j.spi.BackpackException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;

/** The format ONNX: reads versions 7 to 25 of its standard operators, writes version 17. */
public final class OnnxFormat implements ModelFormat {

    private static final long OLDEST = 7;
    private static final long NEWEST = 25;

    @Override
    public String name() {
        return "ONNX";
    }

    @Override
    public String ending() {
        return ".onnx";
    }

    @Override
    public ForeignModel read(Path file, Catalog catalog, LossDescription loss) {
        if (Files.isDirectory(file)) {
            throw invalid(file, "cannot be read: it is a directory. Name a file in it.");
        }
        try {
            return read(
                    file.toString(),
                    Bytes.map(file),
                    Optional.of(file.toAbsolutePath().resolveSibling("")),
                    catalog,
                    loss);
        } catch (NoSuchFileException e) {
            throw invalid(file, "cannot be read: it does not exist.");
        } catch (IOException e) {
            throw invalid(file, "cannot be read: %s.".formatted(e.getMessage()));
        }
    }

    private static BackpackException invalid(Path file, String what) {
        return new BackpackException(FormatProblems.INVALID_FILE, "File '%s' %s".formatted(file, what));
    }

    /**
     * Reads a model from bytes.
     *
     * @param file a name for messages
     * @param folder where files with numbers may be
     */
    static ForeignModel read(String file, Bytes bytes, Optional<Path> folder, Catalog catalog, LossDescription loss) {
        try {
            OnnxFile source = FileReader.read(bytes, folder);
            long version = source.opsets().getOrDefault("", 0L);
            if (version < OLDEST || version > NEWEST) {
                throw new BackpackException(
                        OnnxProblems.UNSUPPORTED_ONNX,
                        "File '%s': It has version %d of ONNX's operators, but %d to %d are possible. Export it with opset_version=17."
                                .formatted(file, version, OLDEST, NEWEST));
            }
            return Import.run(file, source, catalog, loss);
        } catch (WireFormatException e) {
            throw new BackpackException(
                    FormatProblems.INVALID_FILE,
                    "File '%s' is not a valid ONNX file: %s. Write or download it again."
                            .formatted(file, e.getMessage()));
        }
    }

    @Override
    public void write(Path file, Model model) {
        Export.write(file, model);
    }
}
