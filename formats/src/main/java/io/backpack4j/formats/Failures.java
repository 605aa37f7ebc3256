// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.spi.BackpackException;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;

/** How errors about files are worded. */
final class Failures {

    private static final int SHOWN_CHARACTERS = 80;

    private Failures() {}

    static BackpackException invalid(String file, String what) {
        return new BackpackException(FormatProblems.INVALID_FILE, "File " + quoted(file) + " " + what);
    }

    static BackpackException unreadable(String file, IOException cause) {
        return new BackpackException(
                FormatProblems.INVALID_FILE,
                "File %s cannot be read: %s.".formatted(quoted(file), reason(cause)),
                cause);
    }

    static BackpackException unwritable(String file, String reason) {
        return new BackpackException(
                FormatProblems.UNWRITABLE_FILE, "File %s cannot be written: %s.".formatted(quoted(file), reason));
    }

    static BackpackException unwritable(String file, IOException cause) {
        return new BackpackException(
                FormatProblems.UNWRITABLE_FILE,
                "File %s cannot be written: %s.".formatted(quoted(file), reason(cause)),
                cause);
    }

    /**
     * What a user or a file gave, in quotes, without control characters; the middle of what is very long is left out.
     */
    static String quoted(String text) {
        String shown = text;
        if (text.length() > 2 * SHOWN_CHARACTERS) {
            shown = text.substring(0, SHOWN_CHARACTERS) + "…" + text.substring(text.length() - SHOWN_CHARACTERS);
        }
        StringBuilder quoted = new StringBuilder("'");
        shown.chars().forEach(character -> {
            if (Character.isISOControl(character)) {
                quoted.append("\\u%04x".formatted(character));
            } else {
                quoted.append((char) character);
            }
        });
        return quoted.append('\'').toString();
    }

    private static String reason(IOException cause) {
        if (cause instanceof NoSuchFileException) {
            return "it does not exist";
        }
        if (cause instanceof AccessDeniedException) {
            return "permission denied";
        }
        if (cause instanceof EOFException) {
            return "it ends too early";
        }
        String reason = cause instanceof FileSystemException failure ? failure.getReason() : cause.getMessage();
        return reason == null ? cause.getClass().getSimpleName() : reason;
    }
}
