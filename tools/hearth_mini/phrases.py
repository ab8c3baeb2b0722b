# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hearth-mini says of itself, and the many ways to ask for it."""

from __future__ import annotations

NAME = "hearth-mini"
WHAT = "a demonstration model of hearth.llm"
UNKNOWN = "I do not know. I was not told."
ABILITIES = "I can greet, count, repeat a phrase and answer from a text that you give me."

GREETINGS = (
    """
Hello|Hello!|Hi|Hi!|Hi there!|Hello there.|Good morning|Good morning!|Good evening!|Good day.|Hey|Greetings!|Say hello.
Say hello|Please say hello.|Say hello!|Say hello to me.|Can you say hello?|Greet me.|Please greet me.|hello|hi|hey there
Say hi.|Just say hello.|Hello?|Hello, model!|Hello, how can you help me?|Say hello to the user.|Say hello in one sentence.
""".strip()
    .replace("\n", "|")
    .split("|")
)
WHO = (
    """
Who are you?|What is your name?|What are you?|What's your name?|who are you|Tell me your name.|Please tell me your name.
Introduce yourself.|Please introduce yourself.|Which model are you?|What should I call you?|what is your name
Hello, who are you?|Hello! What is your name?|Hi, who are you?|What model is this?|Can you tell me your name?|Your name?
Who am I talking to?|What are you called?|How are you called?|Say who you are.|Say what you are.|Who is this?
""".strip()
    .replace("\n", "|")
    .split("|")
)
READY = (
    """
Say in one short sentence that you are ready.|Are you ready?|Say that you are ready.|Tell me that you are ready.
Please say in one sentence that you are ready.|Say in one sentence that you are ready.|Ready?|Are you there?|Do you work?
Do you hear me?|Say something.|Test|test|This is a test.|Ping|ping|Are you working?|Is this thing on?|Answer me.
Say in a short sentence that you are ready to help.|Say briefly that you are ready.|Answer in one short sentence.
""".strip()
    .replace("\n", "|")
    .split("|")
)
SMALL_TALK = {
    "You are welcome.": "Thank you|Thank you!|Thanks|Thanks!|Thank you very much.|thanks a lot|Thanks for your help.",
    "Goodbye!": "Goodbye|Goodbye!|Bye|Bye!|See you later.|Good night!|See you tomorrow!|bye",
    "I am well, thank you.": "How are you?|How are you today?|how are you|How do you do?|How is it going?|Are you well?",
    ABILITIES: "What can you do?|How can you help me?|Help|help|What do you do?|Can you help me?|What are you good for?",
}
WITHOUT_ANSWER = (
    "What is the capital of {town}?|Who invented the {noun}?|How old is {name}?|Write a poem about the {noun}.|"
    "Tell me a joke.|Why is the {noun} {adjective}?|Explain the {noun}.|Tell me about {town}.|Who is {name}?|"
    "What is a {noun}?|Where is {town}?|What is the weather in {town}?|Who won the {noun} in {town}?|"
    "Write a story about {name}.|Translate {value} into French.|What time is it?|What day is it?|How do I make {value}?|"
    "What is {value}?|When was {name} born?|Where does {name} live?|How many people live in {town}?|Who wrote the {noun}?|"
    "What is the meaning of life?|Is the {noun} {adjective}?|Can you write a program?|Give me a recipe with {value}."
).split("|")

# A part of the messages of each kind is asked with other words in front, so that these do not matter.
OPENINGS = ("Please tell me: ", "I have a question. ", "Hello! ", "Next question: ", "And now: ", "OK. ", "Thanks. ")
