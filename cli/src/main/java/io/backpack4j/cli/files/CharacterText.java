// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.files;

/**
 * A text as numbers: each character is its place in the alphabet.
 *
 * @param characters the text
 * @param alphabet the characters that occur, in the order of Unicode
 */
record CharacterText(String characters, String alphabet) {

    static CharacterText of(String characters) {
        String alphabet = characters
                .chars()
                .distinct()
                .sorted()
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
        return new CharacterText(characters, alphabet);
    }

    int length() {
        return characters.length();
    }

    long code(int place) {
        return alphabet.indexOf(characters.charAt(place));
    }
}
