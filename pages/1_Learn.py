"""The lecture, topic by topic: an idea to touch on real pictures, a question, and the way to a real network."""

from importlib import import_module

import streamlit as st

from cnn.ui import shell

run = shell.page("Learn", "Every idea of convolutional networks, to be touched: on real pictures, with every number.")
shell.require_model(run)
with st.spinner("Loading TensorFlow…"):
    from cnn.ui import models
    from cnn.ui.learn import controls, given, lessons

    network = models.load(run)

controls.begin()
lesson = lessons.choose(run)
lessons.introduce(lesson, run)
link = st.container()
on = given.ask(run, network, lesson.numbers) if lesson.picture else None
if on or not lesson.picture:
    import_module(f"cnn.ui.learn.{lesson.name}").show(run, network, on)
with link:
    lessons.share(lesson, run)
lessons.ask(lesson)
lessons.onwards(lesson)
