// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.site;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Markdown as GitHub reads it, turned into what Python's Markdown reads in the same way. */
final class PlainMarkdown {

    private static final Pattern ITEM = Pattern.compile("( *)([-*]|\\d+\\.) .*");
    private static final Pattern CODE = Pattern.compile("`[^`]*`");

    private PlainMarkdown() {}

    /** Adds the empty lines that lists and tables need before them, and takes escapes out of tables' code. */
    static String of(String text) {
        StringBuilder result = new StringBuilder();
        boolean code = false;
        boolean list = false;
        String before = "";
        for (String line : text.split("\n", -1)) {
            boolean fence = line.strip().startsWith("```");
            if (!code && !fence) {
                boolean item = ITEM.matcher(line).matches();
                boolean table = line.startsWith("|") && !before.startsWith("|");
                if (!before.isBlank() && ((item && !list) || table)) {
                    result.append('\n');
                }
                list = item || (list && (!line.isBlank() || line.startsWith(" ")));
                if (line.startsWith("|")) {
                    line = CODE.matcher(line)
                            .replaceAll(found ->
                                    Matcher.quoteReplacement(found.group().replace("\\|", "|")));
                }
            }
            code ^= fence;
            result.append(line).append('\n');
            before = line;
        }
        result.setLength(result.length() - 1);
        return result.toString();
    }
}
