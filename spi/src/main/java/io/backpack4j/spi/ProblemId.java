// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi;

import java.util.regex.Pattern;

/**
 * A kind of problem. The library's are constants: {@link CommonProblems}, and one class like it in each room that has
 * its own; all are listed in {@code docs/problems.md}. Plugins have theirs as constants, too:
 *
 * <pre>{@code
 * static final ProblemId NO_LICENCE = new ProblemId("NoLicence", "The licence has run out.", "Renew it.");
 *
 * throw new BackpackException(NO_LICENCE, "Gain's licence ended on %s. Renew it.".formatted(date));
 * }</pre>
 *
 * @param name stands in front of messages, and stays the same in later versions, such as {@code UnknownModule}
 * @param cause what leads to it, in a sentence
 * @param remedy what to do about it, in a sentence
 */
public record ProblemId(String name, String cause, String remedy) {

    private static final Pattern NAME = Pattern.compile("[A-Z][A-Za-z0-9]*");

    public ProblemId {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException(
                    "'%s' is not a name for a kind of problem. Use letters and digits, the first an upper-case letter."
                            .formatted(name));
        }
    }

    /** The name. */
    @Override
    public String toString() {
        return name;
    }
}
